"""Configuration: the file as written, the layers, and the settings that hold."""
