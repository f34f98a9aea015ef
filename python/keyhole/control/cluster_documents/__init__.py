"""Documents that are objects of Kubernetes: watched, put in force, and answered."""

from keyhole.control.cluster_documents.feed import ClusterDocuments

__all__ = ["ClusterDocuments"]
