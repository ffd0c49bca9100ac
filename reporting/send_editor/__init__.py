"""The Send editor: a text message to a list, its recipients as a file, handing it over to the gateway (S3.6, S3.7)."""
