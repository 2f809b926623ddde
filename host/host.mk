# The osprey command.
BUILD ?= build
HOST_CFLAGS = -std=gnu17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -Wmissing-prototypes \
	-Wstrict-prototypes -fstack-protector-strong -D_FORTIFY_SOURCE=2 -MMD -MP
HOST_SRCS = $(sort $(wildcard host/*.c))
HOST_OBJS = $(patsubst host/%.c,$(BUILD)/host/%.o,$(HOST_SRCS))

.PHONY: host
host: $(BUILD)/host/osprey ## build the osprey command only

$(BUILD)/host/osprey: $(HOST_OBJS)
	gcc -o $@ $(HOST_OBJS)

$(BUILD)/host/%.o: host/%.c
	@mkdir -p $(@D)
	gcc $(HOST_CFLAGS) -c $< -o $@

-include $(HOST_OBJS:.o=.d)
