"""That this file is here puts its folder on the import path: tests of all parts share `small_models`."""
