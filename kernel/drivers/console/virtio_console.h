/* drivers/console/virtio_console.h: the ports of virtio consoles as streams (virtio 1.2, 5.3). */
#pragma once

#include "lib/types.h"

/* Sleep until every port that a console device has announced has told its name (at most a second);
 * stream_find() then knows them all. Returns at once where no such device is. Threads only. */
void streams_wait_ready(void);
