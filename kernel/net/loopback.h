/* net/loopback.h: lo. */
#pragma once

/* Make it, if that has not been done: whoever registers another interface first. */
void loopback_need(void);
