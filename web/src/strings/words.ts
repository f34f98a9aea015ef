// The words of the API. An unknown word is shown as it is: a newer control may know more.
export const words = {
  outcomes: {
    answered: 'Answered',
    blocked: 'Blocked',
    refused: 'Refused',
    failed: 'Failed',
    dropped: 'Dropped',
  } as Record<string, string>,
  transports: {
    udp: 'UDP',
    tcp: 'TCP',
    dot: 'DoT',
    doh: 'DoH',
    doh_cleartext: 'DoH without TLS',
    mesh: 'Mesh',
  } as Record<string, string>,
};
