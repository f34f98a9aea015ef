"""Why settings of the app Advanced Blocking are left, by the beginning of their path."""

APP_REASONS = {
    "blockingAnswerTtl": "set blockedTtl in the policy; without it, it is 10 seconds",
    "blockListUrlUpdateIntervalMinutes": "all lists have the interval of blocklist.config",
    "blockListUrlUpdateIntervalHours": "all lists have the interval of blocklist.config",
    "groups.allowTxtBlockingReport": "keyhole explain tells why a name is blocked",
}
