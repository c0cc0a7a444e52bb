/* SHA-256 (FIPS 180-4) of three messages with known digests, the last one fed in uneven pieces. */
#include "program.h"

/* Fractions of the cube roots of the first 64 primes. */
static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Fractions of the square roots of the first 8 primes. */
static const uint32_t initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

struct sha256 {
    uint32_t state[8];
    uint8_t block[64];
    uint32_t n_bytes;
};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void compress(struct sha256 *h)
{
    uint32_t w[64];
    uint32_t v[8];
    for (int i = 0; i < 16; i++) {
        const uint8_t *b = h->block + 4 * i;
        w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    for (int i = 0; i < 8; i++)
        v[i] = h->state[i];
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + choice + round_constant[i] + w[i];
        uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        v[7] = v[6];
        v[6] = v[5];
        v[5] = v[4];
        v[4] = v[3] + t1;
        v[3] = v[2];
        v[2] = v[1];
        v[1] = v[0];
        v[0] = t1 + s0 + majority;
    }
    for (int i = 0; i < 8; i++)
        h->state[i] += v[i];
}

static void start(struct sha256 *h)
{
    for (int i = 0; i < 8; i++)
        h->state[i] = initial[i];
    h->n_bytes = 0;
}

static void update(struct sha256 *h, const uint8_t *data, uint32_t n)
{
    while (n--) {
        h->block[h->n_bytes++ & 63] = *data++;
        if ((h->n_bytes & 63) == 0)
            compress(h);
    }
}

static void end(struct sha256 *h)
{
    static const uint8_t one = 0x80;
    static const uint8_t zero = 0;
    uint32_t n_bits = h->n_bytes << 3;
    update(h, &one, 1);
    while ((h->n_bytes & 63) != 56)
        update(h, &zero, 1);
    uint8_t length[8] = {0, 0, 0, 0, n_bits >> 24, n_bits >> 16, n_bits >> 8, n_bits};
    update(h, length, 8);
}

static int digest_is(const struct sha256 *h, const uint32_t *expected)
{
    for (int i = 0; i < 8; i++)
        if (h->state[i] != expected[i])
            return 0;
    return 1;
}

int main(void)
{
    static const uint32_t of_nothing[8] = {
    0xe3b0c442, 0x98fc1c14, 0x9afbf4c8, 0x996fb924, 0x27ae41e4, 0x649b934c, 0xa495991b, 0x7852b855,
    };
    static const uint32_t of_abc[8] = {
    0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad,
    };
    static const uint32_t of_two_blocks[8] = {
    0x248d6a61, 0xd20638b8, 0xe5c02693, 0x0c3e6039, 0xa33ce459, 0x64ff2167, 0xf6ecedd4, 0x19db06c1,
    };
    static const uint8_t two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    struct sha256 h;
    start(&h);
    end(&h);
    CHECK(1, digest_is(&h, of_nothing));
    start(&h);
    update(&h, (const uint8_t *)"abc", 3);
    end(&h);
    CHECK(2, digest_is(&h, of_abc));
    start(&h);
    update(&h, two_blocks, 7);
    update(&h, two_blocks + 7, 32);
    update(&h, two_blocks + 39, 17);
    end(&h);
    CHECK(3, digest_is(&h, of_two_blocks));
    return 0;
}
