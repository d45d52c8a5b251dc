"""The thin edges clients and servers share: key files, settings files, TLS, clocks, logs and error mapping."""
