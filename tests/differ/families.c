// The families.
#include "families.h"

const struct family families[] = {
    {"files", files_setup, {names_ops, data_ops}, true, true},
    {"descriptors", descriptors_setup, {descriptors_ops}, false, false},
    {"memory", memory_setup, {memory_ops, memory_use_ops}, true, true},
    {"signals", signals_setup, {signals_ops}, false, false},
    {NULL, NULL, {NULL}, false, false},
};
