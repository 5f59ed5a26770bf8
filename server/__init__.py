"""The shell: Flask, SQL, HTTP, scheduler, command line."""
