"""The front rooms: a command line, a notebook, films of many pictures. Each makes an Order and watches."""
