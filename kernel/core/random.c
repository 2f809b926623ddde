#include "core/random.h"

#include "arch/x86_64/cpu.h"
#include "core/spinlock.h"
#include "lib/string.h"

/* ChaCha20 (RFC 8439, 2.3) with fast key erasure: each refill spends the first 32 bytes of its
 * output on the next key, so that what was handed out cannot be computed from the state. */

static struct {
    struct spinlock lock;
    uint32_t key[8];
    uint64_t counter;
    uint8_t block[64];
    unsigned left;
    bool seeded;
} pool;

/* The machine's generation in memory that the monitor writes, and the last that was seen. */
static const volatile uint64_t *generation;
static uint64_t seen[2];

static inline uint32_t rotate(uint32_t v, int n)
{
    return v << n | v >> (32 - n);
}

static void quarter(uint32_t *s, int a, int b, int c, int d)
{
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 7);
}

static void chacha_block(const uint32_t key[8], uint64_t counter, uint32_t out[16])
{
    uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(in + 4, key, 32);
    in[12] = counter;
    in[13] = counter >> 32;
    memcpy(out, in, sizeof(in));
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 4; j++)
            quarter(out, j, j + 4, j + 8, j + 12);
        for (int j = 0; j < 4; j++)
            quarter(out, j, 4 + (j + 1) % 4, 8 + (j + 2) % 4, 12 + (j + 3) % 4);
    }
    for (int i = 0; i < 16; i++)
        out[i] += in[i];
}

static uint64_t hardware_random(void)
{
    uint64_t v = 0;
    for (int i = 0; i < 10; i++)
        if (cpu_random(&v))
            break;
    return v ^ rdtsc();
}

static void mix(const void *seed, size_t n)
{
    const uint8_t *p = seed;
    uint32_t out[16];
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)pool.key)[i % 32] ^= p[i];
    chacha_block(pool.key, pool.counter++, out);
    memcpy(pool.key, out, 32);
    pool.left = 0;
}

static void seed_once(void)
{
    uint64_t seed[4];
    for (unsigned i = 0; i < ARRAY_SIZE(seed); i++)
        seed[i] = hardware_random();
    mix(seed, sizeof(seed));
    pool.seeded = true;
}

/* The machine may be one of several that go on from the same snapshot: they have the same key. */
static void look_at_generation(void)
{
    if (generation[0] == seen[0] && generation[1] == seen[1])
        return;
    seen[0] = generation[0];
    seen[1] = generation[1];
    mix(seen, sizeof(seen));
    seed_once();
}

static void refill(void)
{
    uint32_t out[16];
    chacha_block(pool.key, pool.counter++, out);
    memcpy(pool.key, out, 32);
    chacha_block(pool.key, pool.counter++, (uint32_t *)pool.block);
    pool.left = sizeof(pool.block);
}

void random_bytes(void *buf, size_t n)
{
    uint8_t *p = buf;
    uint64_t flags = spin_lock_irq(&pool.lock);
    if (!pool.seeded)
        seed_once();
    if (generation)
        look_at_generation();
    while (n) {
        if (!pool.left)
            refill();
        size_t take = MIN(n, (size_t)pool.left);
        uint8_t *from = pool.block + sizeof(pool.block) - pool.left;
        memcpy(p, from, take);
        memset(from, 0, take);
        pool.left -= take;
        p += take;
        n -= take;
    }
    spin_unlock_irq(&pool.lock, flags);
}

uint64_t random_u64(void)
{
    uint64_t v;
    random_bytes(&v, sizeof(v));
    return v;
}

void random_add(const void *seed, size_t n)
{
    uint64_t flags = spin_lock_irq(&pool.lock);
    if (!pool.seeded)
        seed_once();
    mix(seed, n);
    spin_unlock_irq(&pool.lock, flags);
}

void random_watch(const volatile uint64_t *place)
{
    uint64_t flags = spin_lock_irq(&pool.lock);
    generation = place;
    spin_unlock_irq(&pool.lock, flags);
}
