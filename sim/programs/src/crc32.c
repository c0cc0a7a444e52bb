/* CRC-32 (polynomial 0xedb88320, reflected) bit by bit, by nibbles and by bytes, each against the others. */
#include "program.h"

enum { POLYNOMIAL = 0xedb88320 };

static uint32_t byte_table[256];

static uint32_t shift(uint32_t crc, int bits)
{
    while (bits--)
        crc = crc & 1 ? crc >> 1 ^ (uint32_t)POLYNOMIAL : crc >> 1;
    return crc;
}

static uint32_t by_bits(const uint8_t *data, size_t n)
{
    uint32_t crc = ~0u;
    while (n--)
        crc = shift(crc ^ *data++, 8);
    return ~crc;
}

static uint32_t by_nibbles(const uint8_t *data, size_t n)
{
    uint32_t table[16];
    for (uint32_t i = 0; i < 16; i++)
        table[i] = shift(i, 4);
    uint32_t crc = ~0u;
    for (; n--; data++) {
        crc = crc >> 4 ^ table[(crc ^ *data) & 15];
        crc = crc >> 4 ^ table[(crc ^ *data >> 4) & 15];
    }
    return ~crc;
}

static uint32_t by_bytes(const uint8_t *data, size_t n)
{
    uint32_t crc = ~0u;
    while (n--)
        crc = crc >> 8 ^ byte_table[(crc ^ *data++) & 255];
    return ~crc;
}

int main(void)
{
    static const uint8_t digits[] = "123456789";
    static uint8_t data[80];
    uint32_t state = 0x9e3779b9;
    for (uint32_t i = 0; i < 256; i++)
        byte_table[i] = shift(i, 8);
    CHECK(1, by_bits(digits, 9) == 0xcbf43926);
    CHECK(2, by_nibbles(digits, 9) == 0xcbf43926);
    CHECK(3, by_bytes(digits, 9) == 0xcbf43926);
    CHECK(4, by_bits(digits, 0) == 0);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(next_random(&state) >> (i & 15));
    for (size_t start = 0; start < 4; start++)
        CHECK(5, by_bytes(data + start, sizeof data - start) == by_nibbles(data + start, sizeof data - start));
    CHECK(6, by_bytes(data, sizeof data) == by_bits(data, sizeof data));
    /* A flipped bit never goes unseen. */
    uint32_t whole = by_bytes(data, 64);
    for (int bit = 0; bit < 8; bit++) {
        data[5 * bit] ^= (uint8_t)(1 << bit);
        CHECK(7, by_bytes(data, 64) != whole);
        data[5 * bit] ^= (uint8_t)(1 << bit);
    }
    CHECK(8, by_bytes(data, 64) == whole);
    return 0;
}
