/* Fixed-point numbers (16.16) on software products and quotients: roots, sine by CORDIC, polynomials, 64 bits. */
#include "program.h"

typedef int32_t fixed;

enum { ONE = 65536 };

/* High and low word of an unsigned product, from four products of halves. */
static uint32_t product(uint32_t a, uint32_t b, uint32_t *low)
{
    uint32_t a0 = a & 0xffff, a1 = a >> 16, b0 = b & 0xffff, b1 = b >> 16;
    uint32_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
    uint32_t middle = (p00 >> 16) + (p01 & 0xffff) + (p10 & 0xffff);
    *low = middle << 16 | (p00 & 0xffff);
    return p11 + (p01 >> 16) + (p10 >> 16) + (middle >> 16);
}

static fixed multiply(fixed a, fixed b)
{
    uint32_t low;
    uint32_t high = product((uint32_t)a, (uint32_t)b, &low);
    if (a < 0)
        high -= (uint32_t)b;
    if (b < 0)
        high -= (uint32_t)a;
    return (fixed)(high << 16 | low >> 16);
}

static fixed quotient(fixed a, fixed b)
{
    fixed whole = a / b;
    fixed rest = a % b << 8; /* |b| below 128.0 leaves room for 8 bits at a time */
    fixed fraction = rest / b << 8;
    return (whole << 16) + fraction + (rest % b << 8) / b;
}

static uint32_t root(uint32_t x)
{
    uint32_t result = 0;
    for (uint32_t bit = 1u << 30; bit; bit >>= 2) {
        if (x >= result + bit) {
            x -= result + bit;
            result = (result >> 1) + bit;
        } else {
            result >>= 1;
        }
    }
    return result;
}

/* Arc tangents of 2^-i in radians. */
static const fixed angle[16] = {51472, 30386, 16055, 8150, 4091, 2047, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2};

static fixed sine(fixed radians, fixed *cosine)
{
    fixed x = 39797; /* 1 over the gain of 16 rotations */
    fixed y = 0;
    for (int i = 0; i < 16; i++) {
        fixed dx = x >> i;
        fixed dy = y >> i;
        if (radians >= 0) {
            x -= dy;
            y += dx;
            radians -= angle[i];
        } else {
            x += dy;
            y -= dx;
            radians += angle[i];
        }
    }
    *cosine = x;
    return y;
}

static fixed distance(fixed a, fixed b)
{
    return a < b ? b - a : a - b;
}

int main(void)
{
    static const int32_t dividend[] = {0, 7, -7, 100, -100, INT32_MAX, INT32_MIN, INT32_MIN, 1};
    static const int32_t divisor[] = {5, 2, 2, -7, -7, 3, 1, INT32_MAX, INT32_MIN};
    volatile int32_t zero = 0;
    uint32_t low;
    for (size_t i = 0; i < sizeof dividend / sizeof *dividend; i++) {
        int32_t q = dividend[i] / divisor[i];
        int32_t r = dividend[i] % divisor[i];
        CHECK(1, q * divisor[i] + r == dividend[i]);
        CHECK(2, r == 0 || (r < 0) == (dividend[i] < 0));
    }
    CHECK(3, (uint32_t)zero / 3 == 0 && zero * -5 == 0);
    CHECK(4, product(0xffffffff, 0xffffffff, &low) == 0xfffffffe && low == 1);
    CHECK(5, product(0x12345678, 0x9abcdef0, &low) == 0x0b00ea4e && low == 0x242d2080);
    CHECK(6, multiply(3 * ONE / 2, -2 * ONE) == -3 * ONE && multiply(-ONE, -ONE) == ONE);
    CHECK(7, quotient(3 * ONE, 2 * ONE) == 3 * ONE / 2 && quotient(-ONE, 4 * ONE) == -ONE / 4);
    CHECK(8, root(0) == 0 && root(144) == 12 && root(0xffffffff) == 0xffff && root(0x3fffffff) == 0x7fff);
    for (fixed radians = -ONE; radians <= ONE; radians += ONE / 4) {
        fixed c;
        fixed s = sine(radians, &c);
        CHECK(9, distance(multiply(s, s) + multiply(c, c), ONE) < 32);
        CHECK(10, (s < 0) == (radians < 0) || distance(s, 0) < 8);
    }
    /* A polynomial of degree 3 by Horner's rule, and its root by Newton's. */
    fixed x = 2 * ONE;
    for (int i = 0; i < 6; i++) {
        fixed value = multiply(multiply(x, x), x) - 2 * x - 5 * ONE;
        fixed slope = multiply(3 * ONE, multiply(x, x)) - 2 * ONE;
        x -= quotient(value, slope);
    }
    CHECK(11, distance(x, 137268) < 16);
    return 0;
}
