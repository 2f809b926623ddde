// The families.
#include "families.h"

const struct family families[] = {
    {"files", files_setup, {names_ops, data_ops}, true, true},
    {"descriptors", descriptors_setup, {descriptors_ops}, false, false},
    {NULL, NULL, {NULL}, false, false},
};
