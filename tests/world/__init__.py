"""What end-to-end tests stand on: real processes, certificates, an upstream that can misbehave."""
