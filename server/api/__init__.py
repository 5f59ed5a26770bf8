"""HTTP endpoints under /v1. They read a request, call one flow, and write the answer."""
