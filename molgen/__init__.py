"""molgen: from a raw molecule file to ranked candidates. Importing it loads neither torch nor RDKit."""

__version__ = "0.1.0"
