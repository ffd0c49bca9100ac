"""The REST API: what programs read (lists, opt-outs, changes, Do Not Mail), beside the channel `optout.channels.rest`."""
