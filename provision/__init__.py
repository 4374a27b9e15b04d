"""What is this machine, what is wrong, what to do."""
