// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/prefix_filter.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "bpf/lib/filter.h"

namespace sidestep {
namespace {

constexpr std::uint32_t kBitsPerPrefix = 16;
constexpr std::uint32_t kLeastWords = 64;

}  // namespace

std::uint32_t PrefixFilter::words_for(std::uint32_t prefixes) {
    return std::bit_ceil(std::max(kLeastWords, prefixes / (64 / kBitsPerPrefix)));
}

std::size_t PrefixFilter::bit_of(const Prefix& prefix) const {
    std::array<__u64, 2> address{};
    std::memcpy(address.data(), prefix.address.bytes.data(), sizeof address);
    const auto hash = ss_filter_hash(address.data(), prefix.length);
    return (hash & (words_.size() - 1)) * 64 + ss_filter_bit(hash);
}

void PrefixFilter::add(const Prefix& prefix) {
    const auto bit = bit_of(prefix);
    if (prefixes_[bit] != std::numeric_limits<std::uint16_t>::max()) ++prefixes_[bit];
    __sync_fetch_and_or(&words_[bit / 64], std::uint64_t{1} << bit % 64);
}

void PrefixFilter::remove(const Prefix& prefix) {
    const auto bit = bit_of(prefix);
    if (prefixes_[bit] == 0 || prefixes_[bit] == std::numeric_limits<std::uint16_t>::max()) return;
    if (--prefixes_[bit] == 0) __sync_fetch_and_and(&words_[bit / 64], ~(std::uint64_t{1} << bit % 64));
}

}  // namespace sidestep
