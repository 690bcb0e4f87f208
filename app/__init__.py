"""The Qt application: documents, tools, the window. The engine is reached through the bridge only."""
