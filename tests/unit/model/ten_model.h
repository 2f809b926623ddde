/* ten_model.h: Intel's 82599 and its kin as far as software sees them, made from the datasheet
 * ("Intel 82599 10 GbE Controller Datasheet"; section numbers in the complaints) and not from any
 * driver. It moves real frames and complains of every access that the datasheet does not allow.
 *
 * Physical addresses are the host's own. Time passes in model_now, as the test says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ten_model;
struct ten_faults { /* what goes wrong from now on */
    bool reset_hangs, no_auto_read, no_dma_done, master_stuck, no_receive_path, queue_stuck,
        no_address;
    unsigned rx_errors, bad_sums; /* so many of the next frames arrive damaged: noticed by the MAC,
                                     or only by the transport's checksum */
};
struct ten_counts {
    unsigned long sent, received, missed, filtered, cut, long_frames, by_queue[16], interrupts;
};

extern uint64_t model_now; /* ns */
/* Somebody broke a rule; by default prints it and ends the test. */
extern void (*model_complaint)(const char *rule);

struct ten_model *model_make(const uint8_t mac[6], unsigned seed);
void model_free(struct ten_model *m);
uint32_t model_read(struct ten_model *m, size_t offset);
void model_write(struct ten_model *m, size_t offset, uint32_t value);

void model_join(struct ten_model *a, struct ten_model *b); /* a wire */
void model_link(struct ten_model *m, bool up);
/* Send up to n frames of each queue to the other end; how many went. */
unsigned model_run(struct ten_model *m, unsigned n);
/* The MSI-X messages that go out now, a bit each; all of them cleared and masked as set. */
uint32_t model_messages(struct ten_model *m);
/* Without messages: is the line raised? */
bool model_line(struct ten_model *m);
/* A frame from elsewhere. */
void model_deliver(struct ten_model *m, const uint8_t *frame, unsigned n);
struct ten_faults *model_faults(struct ten_model *m);
const struct ten_counts *model_counts(const struct ten_model *m);
/* Nothing is left on: what a driver that has gone down has to leave behind. */
bool model_quiet(const struct ten_model *m);
