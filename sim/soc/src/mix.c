/* An integer benchmark in the manner of Dhrystone: records, strings, arrays, calls and branches in the proportions of
 * system programs, no floating point. Each run does the same; the sum over all of them is checked.
 *
 * RUNS at build time says how many (-DRUNS=2000).
 */
#include "soc.h"

#ifndef RUNS
#define RUNS 300
#endif
#define N_KEYS 16
#define N_SIDE 8

enum kind { LEAF, BRANCH, ROOT };

struct item {
    struct item *next;
    enum kind kind;
    int32_t value;
    char name[32];
};

static struct item items[N_KEYS];
static int32_t grid[N_SIDE][N_SIDE];
static uint32_t seed;

__attribute__((noinline)) static uint32_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

__attribute__((noinline)) static enum kind kind_of(int32_t value)
{
    if (value < 0)
        return ROOT;
    return value & 1 ? BRANCH : LEAF;
}

/* A list in the order of values. */
__attribute__((noinline)) static struct item *linked(void)
{
    struct item *first = NULL;
    for (int i = 0; i < N_KEYS; i++) {
        struct item **at = &first;
        while (*at && (*at)->value < items[i].value)
            at = &(*at)->next;
        items[i].next = *at;
        *at = &items[i];
    }
    return first;
}

__attribute__((noinline)) static int32_t weigh(const struct item *list)
{
    int32_t sum = 0;
    for (int place = 1; list; list = list->next, place++) {
        switch (list->kind) {
        case LEAF:
            sum += list->value >> 3;
            break;
        case BRANCH:
            sum ^= list->value << (place & 3);
            break;
        default:
            sum -= list->value;
        }
        if (list->next && strcmp(list->name, list->next->name) > 0)
            sum++;
    }
    return sum;
}

__attribute__((noinline)) static void stir(int32_t by)
{
    for (int row = 1; row < N_SIDE - 1; row++)
        for (int column = 1; column < N_SIDE - 1; column++)
            grid[row][column] += (grid[row - 1][column] + grid[row + 1][column] - grid[row][column - 1] + by) >> 1;
    grid[by & 7][by >> 3 & 7] = by;
}

__attribute__((noinline)) static int32_t run(void)
{
    for (int i = 0; i < N_KEYS; i++) {
        uint32_t value = draw();
        items[i].value = (int32_t)value;
        items[i].kind = kind_of(items[i].value);
        strcpy(items[i].name, items[i].kind == LEAF ? "a leaf of the tree, number  " : "a branch of the tree, number");
        items[i].name[27] = (char)('a' + (value >> 8) % 26);
    }
    struct item copy = items[draw() & (N_KEYS - 1)];
    int32_t sum = weigh(linked());
    stir(sum);
    return sum + copy.value + grid[3][4] + (int32_t)strlen(copy.name);
}

int main(void)
{
    seed = 2463534242u;
    uint32_t sum = 0;
    uint64_t start = cycles();
    for (int i = 0; i < RUNS; i++)
        sum = (sum << 1 | sum >> 31) ^ (uint32_t)run();
    uint32_t spent = (uint32_t)(cycles() - start);
    printf("mix: %d runs, %lu cycles, %lu cycles a run, sum %08lx\n", RUNS, spent, spent / RUNS, sum);
    return 0;
}
