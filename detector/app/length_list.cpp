// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets are looked up meanwhile: while the list changes a length may stand in it twice, but is never missing.
#include "detector/app/length_list.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "bpf/lib/portable.h"

namespace sidestep {

ss_length length_of(std::uint32_t length) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::uint32_t i = 0; i < length; ++i) bytes[i / 8] |= static_cast<std::uint8_t>(0x80U >> i % 8);
    ss_length result{.length = length, .pad = 0, .mask = {}};
    std::memcpy(result.mask, bytes.data(), sizeof result.mask);
    return result;
}

bool LengthList::has_room(std::uint32_t length) const {
    return prefixes_.contains(length) || prefixes_.size() < SS_MAX_LENGTHS;
}

void LengthList::add(std::uint32_t length) {
    if (++prefixes_[length] == 1) insert(length);
}

void LengthList::remove(std::uint32_t length) {
    const auto found = prefixes_.find(length);
    if (found == prefixes_.end() || --found->second != 0) return;
    prefixes_.erase(found);
    erase(length);
}

void LengthList::insert(std::uint32_t length) {
    auto* list = steering_.length[table_];
    std::uint32_t at = steering_.lengths[table_];
    if (at != 0) list[at] = list[at - 1];
    __sync_synchronize();
    SS_WRITE(steering_.lengths[table_], at + 1);
    for (; at > 0 && list[at - 1].length < length; --at) {
        list[at] = list[at - 1];
        __sync_synchronize();
    }
    list[at] = length_of(length);
}

void LengthList::erase(std::uint32_t length) {
    auto* list = steering_.length[table_];
    const std::uint32_t count = steering_.lengths[table_];
    std::uint32_t at = 0;
    while (at < count && list[at].length != length) ++at;
    for (; at + 1 < count; ++at) {
        list[at] = list[at + 1];
        __sync_synchronize();
    }
    SS_WRITE(steering_.lengths[table_], count - 1);
}

}  // namespace sidestep
