/* Queens that do not attack each other: counted with bit masks and with a board of columns. */
#include "program.h"

static int by_masks(uint32_t full, uint32_t columns, uint32_t left, uint32_t right)
{
    if (columns == full)
        return 1;
    int n = 0;
    for (uint32_t open = full & ~(columns | left | right); open; open &= open - 1) {
        uint32_t bit = open & -open;
        n += by_masks(full, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return n;
}

static int8_t column_of[6];

static int by_board(int size, int row)
{
    if (row == size)
        return 1;
    int n = 0;
    for (int column = 0; column < size; column++) {
        int free = 1;
        for (int above = 0; above < row && free; above++) {
            int distance = column - column_of[above];
            free = distance != 0 && distance != row - above && distance != above - row;
        }
        if (free) {
            column_of[row] = (int8_t)column;
            n += by_board(size, row + 1);
        }
    }
    return n;
}

int main(void)
{
    static const uint8_t expected[] = {1, 1, 0, 0, 2, 10, 4};
    for (int size = 1; size <= 6; size++)
        CHECK(size, by_masks((1u << size) - 1, 0, 0, 0) == expected[size]);
    for (int size = 1; size <= 6; size++)
        CHECK(10 + size, by_board(size, 0) == expected[size]);
    return 0;
}
