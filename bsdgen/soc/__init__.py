"""A small system around a learned core: memory, UART, timer, GPIO, and programs that print."""
