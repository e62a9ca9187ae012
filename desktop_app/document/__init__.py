"""The text, its files and its recovery: free of Qt and of the engine."""
