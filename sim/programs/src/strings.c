/* String handling: copy, compare, search, reverse, numbers to text and back, case, words. */
#include "program.h"

static size_t length(const char *s)
{
    const char *end = s;
    while (*end)
        end++;
    return (size_t)(end - s);
}

static int compare(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static char *copy(char *to, const char *from)
{
    char *t = to;
    while ((*t++ = *from++))
        ;
    return to;
}

static void move(uint8_t *to, const uint8_t *from, size_t n)
{
    if (to < from)
        while (n--)
            *to++ = *from++;
    else
        while (n--)
            to[n] = from[n];
}

static const char *find(const char *text, const char *word)
{
    for (; *text; text++) {
        size_t i = 0;
        while (word[i] && text[i] == word[i])
            i++;
        if (!word[i])
            return text;
    }
    return NULL;
}

static void reverse(char *s)
{
    char *end = s + length(s);
    while (s < end) {
        char c = *s;
        *s++ = *--end;
        *end = c;
    }
}

static char *to_decimal(char *out, int32_t value)
{
    uint32_t rest = value < 0 ? -(uint32_t)value : (uint32_t)value;
    char *o = out;
    do {
        *o++ = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        *o++ = '-';
    *o = 0;
    reverse(out);
    return out;
}

static int32_t from_decimal(const char *s)
{
    int negative = *s == '-';
    uint32_t value = 0;
    for (s += negative; *s >= '0' && *s <= '9'; s++)
        value = (value << 3) + (value << 1) + (uint32_t)(*s - '0');
    return (int32_t)(negative ? -value : value);
}

static void to_hex(char *out, uint32_t value)
{
    for (int i = 28; i >= 0; i -= 4)
        *out++ = "0123456789abcdef"[value >> i & 15];
    *out = 0;
}

static int n_words_of(const char *s)
{
    int n = 0;
    int inside = 0;
    for (; *s; s++) {
        int letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
        n += letter && !inside;
        inside = letter;
    }
    return n;
}

int main(void)
{
    static const char text[] = "How much wood would a woodchuck chuck if a woodchuck could chuck wood?";
    static const int32_t number[] = {0, 1, -1, 9, 10, -100, 2047, -2048, 65536, INT32_MAX, INT32_MIN};
    static const char *const decimal[] = {"0", "1", "-1", "9", "10", "-100", "2047", "-2048", "65536",
                                          "2147483647", "-2147483648"};
    char a[96];
    char b[96];
    CHECK(1, length(text) == sizeof text - 1 && length("") == 0);
    CHECK(2, compare(copy(a, text), text) == 0);
    a[40] ^= 1;
    CHECK(3, compare(a, text) != 0 && compare("abc", "abcd") < 0 && compare("abd", "abcd") > 0);
    CHECK(4, compare("\x80", "\x7f") > 0 && compare("", "") == 0 && compare("\xff", "\xff") == 0);
    CHECK(5, find(text, "woodchuck") == text + 22 && find(text, "chuck wood?") == text + 59);
    CHECK(6, find(text, "woodchuckle") == NULL && find(text, "") == text);
    reverse(copy(a, text));
    CHECK(7, a[0] == '?' && a[length(text) - 1] == 'H');
    reverse(a);
    CHECK(8, compare(a, text) == 0);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        CHECK(9, compare(to_decimal(b, number[i]), decimal[i]) == 0);
        CHECK(10, from_decimal(b) == number[i]);
    }
    to_hex(b, 0xdeadbeef);
    CHECK(11, compare(b, "deadbeef") == 0);
    CHECK(12, n_words_of(text) == 13 && n_words_of(" ,a b") == 2);
    /* Overlapping moves in both directions. */
    copy(a, text);
    move((uint8_t *)a + 3, (uint8_t *)a, 60);
    CHECK(13, a[0] == 'H' && a[3] == 'H' && a[62] == text[59]);
    move((uint8_t *)a, (uint8_t *)a + 3, 60);
    for (int i = 0; i < 60; i++)
        CHECK(14, a[i] == text[i]);
    return 0;
}
