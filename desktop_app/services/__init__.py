"""What the window needs and no widget shows: settings, places, the engine's other end. QtCore only."""
