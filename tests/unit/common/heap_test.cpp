// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that memory between what stays is given back.
#include "common/heap.hpp"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sidestep {
namespace {

double resident_mb() {
    std::ifstream in("/proc/self/statm");
    double total = 0;
    double resident = 0;
    in >> total >> resident;
    return resident * 4096 / 1e6;
}

TEST(Heap, GivesBackWhatLiesBetweenOthers) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer has its own allocator";
#endif
    constexpr int kPieces = 2000;
    std::vector<std::unique_ptr<char[]>> large;  // too small to be mapped by itself
    std::vector<std::unique_ptr<char[]>> small;
    for (int i = 0; i < kPieces; ++i) {
        large.push_back(std::make_unique<char[]>(32'000));
        small.push_back(std::make_unique<char[]>(64));
    }
    large.clear();
    const auto before = resident_mb();
    give_back_free_memory();
    EXPECT_LT(resident_mb(), before - 40);
}

}  // namespace
}  // namespace sidestep
