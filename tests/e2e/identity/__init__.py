"""Who asks: certificates, tokens, sidecars, and what each of them may see."""
