"""The boards for Grafana, and a Prometheus (and Grafana) beside a lab to look at them."""
