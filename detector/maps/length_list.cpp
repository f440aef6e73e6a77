// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets use the list while it changes: a length may then be in it twice, but is never missing.
#include "detector/maps/length_list.hpp"

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

/// Moves entries only towards the end, as packets walk: into a duplicate that erase() left, or past the last entry.
void LengthList::insert(std::uint32_t length) {
    const std::uint32_t count = count_;
    std::uint32_t place = 0;
    while (place < count && list_[place].length >= length) ++place;
    std::uint32_t room = place;
    while (room < count && (room + 1 == count || list_[room].length != list_[room + 1].length)) ++room;
    if (room == SS_MAX_LENGTHS) {
        insert_before(place, length);
        return;
    }
    if (room == count) {
        list_[count] = place == count ? length_of(length) : list_[count - 1];
        __sync_synchronize();
        SS_WRITE(count_, count + 1);
        if (place == count) return;
        --room;
    }
    for (; room > place; --room) {
        list_[room] = list_[room - 1];
        __sync_synchronize();
    }
    list_[place] = length_of(length);
}

/// For a full list whose duplicates are all in front of `place`: a packet may miss one entry. In practice, no table has
/// that many lengths.
void LengthList::insert_before(std::uint32_t place, std::uint32_t length) {
    std::uint32_t at = place - 1;
    while (at != 0 && list_[at - 1].length != list_[at].length) --at;
    for (; at + 1 < place; ++at) {
        list_[at] = list_[at + 1];
        __sync_synchronize();
    }
    list_[place - 1] = length_of(length);
}

/// Moving the rest up would run against the direction in which packets walk, so one could miss an entry. The next entry
/// is duplicated instead.
void LengthList::erase(std::uint32_t length) {
    std::uint32_t count = count_;
    while (count != 0 && list_[count - 1].length == length) --count;
    SS_WRITE(count_, count);
    for (std::uint32_t at = count; at-- > 0;) {
        if (list_[at].length != length) continue;
        list_[at] = list_[at + 1];
        __sync_synchronize();
    }
}

}  // namespace sidestep
