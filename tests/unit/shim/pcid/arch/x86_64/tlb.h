/* For tests on the host: what a processor does to the translations that it remembers. */
#pragma once

#include "lib/types.h"

void tlb_flush_page(uintptr_t addr);
void tlb_flush_local(void);
void page_table_load(uint64_t cr3);
void tlb_tags_enable(void);
