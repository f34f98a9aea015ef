"""Who asks: clients as the log knows them, with their credentials and the policy that applies."""

from keyhole.control.clients.model import ClientDetail, ClientList, ClientSummary
from keyhole.control.clients.service import ClientService

__all__ = ["ClientDetail", "ClientList", "ClientService", "ClientSummary"]
