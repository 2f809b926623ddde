/* credentials.h: what the files of the family share. */
#pragma once

#include "actors.h"

const char *draw_file(void);    /* drawn, shown: a file of one of the owners, or in one's folder */
const char *draw_program(void); /* drawn, shown */
int draw_id(void);              /* drawn, shown: of a user or group, -1 */
extern const struct op reach_file_ops[], reach_process_ops[];
