"""What a till sold, read from the file it exports: bytes in, typed sales or findings out."""
