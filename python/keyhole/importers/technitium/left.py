"""Why settings of the app Advanced Blocking are left, by the beginning of their path."""

APP_REASONS = {
    "blockListUrlUpdateIntervalMinutes": "all lists have the interval of blocklist.config",
    "blockListUrlUpdateIntervalHours": "all lists have the interval of blocklist.config",
    "groups.allowTxtBlockingReport": "keyhole explain tells why a name is blocked",
}
