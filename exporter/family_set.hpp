// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Collects samples into families. A family exists once it has a sample.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

namespace sidestep::exporter {

using Labels = std::vector<prometheus::ClientMetric::Label>;

class FamilySet {
  public:
    struct Kind {
        const char* name;
        prometheus::MetricType type;
        const char* help;
    };

    /// A counter or a gauge, as `kind` says.
    void add(const Kind& kind, Labels labels, double value) {
        auto& sample = append(kind, std::move(labels));
        sample.counter.value = value;
        sample.gauge.value = value;
    }
    void add(const Kind& kind, Labels labels, prometheus::ClientMetric::Histogram histogram) {
        append(kind, std::move(labels)).histogram = std::move(histogram);
    }
    [[nodiscard]] std::vector<prometheus::MetricFamily> take() {
        std::vector<prometheus::MetricFamily> all;
        for (auto& [name, family] : families_) all.push_back(std::move(family));
        families_.clear();
        return all;
    }

  private:
    prometheus::ClientMetric& append(const Kind& kind, Labels labels) {
        auto& family = families_[kind.name];
        if (family.name.empty()) {
            family.name = kind.name;
            family.help = kind.help;
            family.type = kind.type;
        }
        family.metric.emplace_back().label = std::move(labels);
        return family.metric.back();
    }

    std::map<std::string, prometheus::MetricFamily> families_;
};

}  // namespace sidestep::exporter
