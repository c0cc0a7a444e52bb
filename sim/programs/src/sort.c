/* Quicksort and heapsort on words with many equal ones, signed and unsigned, against each other. */
#include "program.h"

enum { N = 96 };

static int32_t quick[N];
static int32_t heap[N];
static uint32_t quick_unsigned[N];

static void quicksort(int32_t *a, int low, int high)
{
    while (low < high) {
        int32_t pivot = a[(low + high) >> 1];
        int i = low;
        int j = high;
        while (i <= j) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i <= j) {
                int32_t t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        quicksort(a, low, j);
        low = i;
    }
}

static void quicksort_unsigned(uint32_t *a, int low, int high)
{
    if (low >= high)
        return;
    uint32_t pivot = a[high];
    int i = low;
    for (int j = low; j < high; j++)
        if (a[j] < pivot) {
            uint32_t t = a[i];
            a[i++] = a[j];
            a[j] = t;
        }
    a[high] = a[i];
    a[i] = pivot;
    quicksort_unsigned(a, low, i - 1);
    quicksort_unsigned(a, i + 1, high);
}

static void sift_down(int32_t *a, int root, int n)
{
    int32_t value = a[root];
    for (int child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && a[child] < a[child + 1])
            child++;
        if (value >= a[child])
            break;
        a[root] = a[child];
    }
    a[root] = value;
}

static void heapsort(int32_t *a, int n)
{
    for (int i = n / 2 - 1; i >= 0; i--)
        sift_down(a, i, n);
    for (int last = n - 1; last > 0; last--) {
        int32_t t = a[0];
        a[0] = a[last];
        a[last] = t;
        sift_down(a, 0, last);
    }
}

int main(void)
{
    static const int32_t border[] = {0, -1, 1, INT32_MIN, INT32_MAX, INT32_MIN + 1, -2048, 2047};
    uint32_t state = 0x2545f491;
    uint32_t sum = 0;
    for (int i = 0; i < N; i++) {
        uint32_t r = next_random(&state);
        int32_t value = r & 1 ? border[r >> 1 & 7] : r & 2 ? (int32_t)r : (int32_t)(r << 8) >> 26;
        quick[i] = heap[i] = value;
        quick_unsigned[i] = (uint32_t)value;
        sum += (uint32_t)value;
    }
    quicksort(quick, 0, N - 1);
    heapsort(heap, N);
    quicksort_unsigned(quick_unsigned, 0, N - 1);
    uint32_t sum_after = 0;
    int first_negative = N;
    for (int i = 0; i < N; i++) {
        CHECK(1, i == 0 || quick[i - 1] <= quick[i]);
        CHECK(2, quick[i] == heap[i]);
        CHECK(3, i == 0 || quick_unsigned[i - 1] <= quick_unsigned[i]);
        if ((int32_t)quick_unsigned[i] < 0 && first_negative == N)
            first_negative = i;
        sum_after += (uint32_t)quick[i];
    }
    CHECK(4, sum == sum_after);
    /* In unsigned order the negative words follow the others, in the same order. */
    for (int i = 0; i < N; i++) {
        int at = first_negative + i < N ? first_negative + i : first_negative + i - N;
        CHECK(5, (int32_t)quick_unsigned[at] == quick[i]);
    }
    return 0;
}
