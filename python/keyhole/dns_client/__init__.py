"""Looking from outside: a DNS client for every transport that tells how an answer was protected."""
