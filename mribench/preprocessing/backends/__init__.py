"""One file per tool, named ``<stage>_<tool>``; the configuration chooses by name."""
