"""The words that the engine, the export side and the window share: plain frozen values, standard library only."""
