"""Learning from examples alone: the functions of the IWLS 2020 contest, as circuits of at most 5,000 ANDs."""
