// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Linear probing in memory that packets use at the same time.
#include "detector/maps/prefix_table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "bpf/lib/prefix_hash.h"
#include "detector/maps/length_list.hpp"

namespace sidestep {
namespace {

constexpr std::uint32_t kLeastPrefixes = 64;
constexpr std::uint32_t kCellsPerPrefix = 2;
constexpr std::uint32_t kBitsPerPrefix = 16;
constexpr std::uint32_t kLeastBitsPerPrefix = 8;  // with fewer, too many lookups pass the bitmap
constexpr std::uint64_t kSeedStep = 0x9e3779b97f4a7c15;
/// The first seed is enough for 1,000,000 random prefixes. The others are for prefixes chosen to collide.
constexpr int kSeeds = 8;

ss_family length_family(const Prefix& prefix) {
    return prefix.address.is_v4() ? SS_IPV4 : SS_IPV6;
}

std::array<__u64, 2> words_of(const Prefix& prefix) {
    std::array<__u64, 2> words{};
    std::memcpy(words.data(), prefix.address.bytes.data(), sizeof words);
    return words;
}

/// A packet sees either the old target or the new one.
void write(ss_target& at, const ss_target& target) {
    static_assert(sizeof(ss_target) == sizeof(std::uint64_t));
    SS_WRITE(*reinterpret_cast<std::uint64_t*>(&at), std::bit_cast<std::uint64_t>(target));
}

}  // namespace

std::uint32_t PrefixTable::cells_for(std::uint32_t prefixes) {
    return kCellsPerPrefix * std::max(prefixes, kLeastPrefixes) + SS_MAX_REACH;
}

std::uint32_t PrefixTable::words_for(std::uint32_t prefixes) {
    return std::bit_ceil(std::max(prefixes, kLeastPrefixes) / (64 / kBitsPerPrefix));
}

PrefixTable::PrefixTable(ss_prefix_table& head, std::span<ss_cell> all_cells, std::span<std::uint64_t> all_words,
                         std::uint32_t number)
    : head_(head), all_cells_(all_cells), all_words_(all_words) {
    const auto cells = static_cast<std::uint32_t>(all_cells.size() / 2);
    const auto words = static_cast<std::uint32_t>(all_words.size() / 2);
    head_.first = number * cells;
    head_.homes = cells - SS_MAX_REACH;
    head_.filter = number * words;
    head_.filter_mask = words - 1;
}

std::uint32_t PrefixTable::room() const {
    return head_.homes / kCellsPerPrefix;
}

bool PrefixTable::build(std::span<const PrefixEntry> entries,
                        const std::function<ss_target(std::uint32_t slot)>& target_of) {
    if (entries.size() > room() || !write_lengths(entries)) return false;
    const auto most_words = static_cast<std::uint32_t>(all_words_.size() / 2);
    head_.filter_mask = std::min(most_words, words_for(static_cast<std::uint32_t>(entries.size()))) - 1;
    for (int attempt = 0; attempt < kSeeds; ++attempt) {
        clear(kSeedStep * static_cast<std::uint64_t>(attempt));
        const auto add = [&](const PrefixEntry& claim) {
            return insert(find(claim.prefix), claim.prefix, target_of(claim.slot));
        };
        if (std::ranges::all_of(entries, add)) return true;
    }
    return false;
}

bool PrefixTable::put(const Prefix& prefix, const ss_target& target) {
    const auto place = find(prefix);
    if (place.present != nullptr) {
        write(place.present->target, target);
        return true;
    }
    const auto most = std::min(head_.homes / 4 * 3, (head_.filter_mask + 1) * (64 / kLeastBitsPerPrefix));
    return has_length(prefix) && taken_ < most && insert(place, prefix, target);
}

void PrefixTable::drop(const Prefix& prefix) {
    if (auto* const cell = find(prefix).present) SS_WRITE(cell->length, SS_CELL_LEFT);
}

void PrefixTable::clear(std::uint64_t seed) {
    constexpr ss_cell kFree{
        .address = {}, .target = {.policy = SS_POLICY_NONE, .stats = 0}, .length = SS_CELL_FREE, .pad = 0};
    std::ranges::fill(all_cells_.subspan(head_.first, head_.homes + SS_MAX_REACH), kFree);
    std::ranges::fill(all_words_.subspan(head_.filter, head_.filter_mask + 1UL), 0);
    head_.seed = seed;
    taken_ = 0;
}

bool PrefixTable::write_lengths(std::span<const PrefixEntry> entries) {
    std::array<std::array<bool, 129>, SS_FAMILIES> used{};
    for (const auto& claim : entries) used.at(length_family(claim.prefix)).at(claim.prefix.length) = true;
    for (std::uint32_t family = 0; family < SS_FAMILIES; ++family) {
        std::uint32_t count = 0;
        for (std::uint32_t length = 129; length-- > 0;) {
            if (!used.at(family).at(length)) continue;
            if (count == SS_MAX_LENGTHS) return false;
            head_.length[family][count++] = length_of(length);
        }
        head_.lengths[family] = count;
    }
    return true;
}

bool PrefixTable::has_length(const Prefix& prefix) const {
    const auto family = length_family(prefix);
    return std::ranges::any_of(std::span(head_.length[family], head_.lengths[family]),
                               [&](const ss_length& used) { return used.length == prefix.length; });
}

bool PrefixTable::insert(const Place& place, const Prefix& prefix, const ss_target& target) {
    if (place.free == nullptr) return false;
    const auto words = words_of(prefix);
    std::ranges::copy(words, place.free->address);
    place.free->target = target;
    __sync_fetch_and_or(&all_words_[ss_filter_word(&head_, place.hash)], std::uint64_t{1} << ss_filter_bit(place.hash));
    __sync_synchronize();
    SS_WRITE(place.free->length, prefix.length + 1U);
    ++taken_;
    return true;
}

PrefixTable::Place PrefixTable::find(const Prefix& prefix) {
    const auto words = words_of(prefix);
    Place place{
        .hash = ss_prefix_hash(words[0], words[1], prefix.length, head_.seed), .present = nullptr, .free = nullptr};
    for (auto& cell : all_cells_.subspan(ss_home(&head_, place.hash), SS_MAX_REACH)) {
        if (cell.length == SS_CELL_FREE) {
            place.free = &cell;
            break;
        }
        if (cell.length == prefix.length + 1U && std::ranges::equal(cell.address, words)) {
            place.present = &cell;
            break;
        }
    }
    return place;
}

}  // namespace sidestep
