"""Documents as objects of Kubernetes: which may say what, how they are watched and answered."""
