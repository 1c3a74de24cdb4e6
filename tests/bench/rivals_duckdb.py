"""All rules once more as SQL, run by DuckDB over the stored Parquet partitions: the rival of `audit/enrich` and `audit/rules`.

Written from the rules' definitions as an analyst would write them: views over the files, temporary tables for what several
rules share, one query per rule that gives the flagged keys. The dated parameters are a table with a row per service month.
Only the keys are computed: no message, evidence, yen or count of what could not be judged, so the SQL does less work.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from string import Template

import duckdb
import polars as pl

from audit.params import load
from audit.tables import ALL
from audit.view import months_before

BACK = {"claims": 12, "diagnoses": 12, "lines": 6, "dispensings": 3, "judo_claims": 24, "judo_parts": 24, "eligibility": 6}
BACK |= {"care_claims": 6, "care_lines": 6, "care_totals": 6, "superseded": 24}
KEYED = dict.fromkeys(("claims", "diagnoses", "lines", "dispensings", "judo_claims", "judo_parts"), "claim_id")
KEYED |= dict.fromkeys(("care_claims", "care_lines", "care_totals"), "care_claim_id")
RECEIPT = (
    "insurer_no", "claim_id", "version_no", "month", "kind", "inpatient", "service_month", "institution_id", "prescriber_id", "person_id",
    "admitted_on", "discharged_on", "special_codes", "actual_days", "points", "visit_days",
)  # fmt: skip
LINE = ("insurer_no", "claim_id", "version_no", "month", "record", "category", "code", "times", "unit_no", "day_mask")
USED_LINES = "category IN ('14', '21', '50') OR record IN ('HJ', 'JS', 'SS')"  # home care, oral drugs, operations; nursing, dental
CODES = ("m_procedures", "m_dental", "m_drugs", "m_diseases")

MACROS = """
CREATE MACRO month_number(d) AS year(d) * 12 + month(d);
CREATE MACRO months_counted(first, m, late) AS
    CASE WHEN first <= last_day(m) THEN month_number(m) - month_number(first) - (day(first) >= late)::INTEGER + 1 END;
CREATE MACRO first_day(mask) AS CASE WHEN mask > 0 THEN log2((mask::BIGINT & -(mask::BIGINT))::DOUBLE)::INTEGER END;
CREATE MACRO last_bit(mask) AS CASE WHEN mask > 0 THEN floor(log2(mask::DOUBLE))::INTEGER END;
CREATE MACRO power_of_two(n) AS 1::BIGINT << n::BIGINT;
"""

JUDO = """
CREATE TEMP TABLE judo AS
WITH everything AS (
    SELECT insurer_no, claim_id, version_no, person_id, clinic_id, service_month, part_count, actual_days, visit_days,
           first_exam_on, insurer_yen, month, month_number(service_month) AS m
    FROM judo_claims
)
SELECT * FROM everything
WHERE month = '$now' OR (insurer_no, person_id) IN (SELECT (insurer_no, person_id) FROM everything WHERE month = '$now')
QUALIFY row_number() OVER (PARTITION BY insurer_no, claim_id, version_no ORDER BY month DESC) = 1;

CREATE TEMP TABLE part AS
SELECT insurer_no, claim_id, version_no, part_no, injury_name, site, side, level, outcome, started_on, ended_on,
       q.actual_days, q.first_exam_on, insurer_yen, person_id, clinic_id, service_month, m, j.month,
       coalesce(site, injury_name) || '|' || coalesce(side, '-') AS part,
       coalesce(injured_on, q.first_exam_on) AS start, coalesce(q.first_exam_on, injured_on) AS first,
       CASE WHEN outcome IN ('cured', 'stopped') THEN ended_on END AS ended,
       coalesce(injury_type IN ('fracture', 'incomplete_fracture', 'dislocation'), false) AS bone,
       CASE WHEN injury_type IN ('fracture', 'incomplete_fracture') THEN 'fracture'
            WHEN injury_type IN ('sprain', 'bruise', 'strain') THEN 'soft' ELSE injury_type END AS family,
       aftercare_yen IS NOT NULL OR first_treatment_yen IS NOT NULL AS keyed,
       coalesce(aftercare_yen, 0) + coalesce(first_treatment_yen, 0) AS yen
FROM judo_parts q JOIN judo j USING (insurer_no, claim_id, version_no);

CREATE TEMP TABLE judo_claim AS
WITH lines AS (
    SELECT insurer_no, claim_id, version_no, count(*) AS lines, bool_or(bone) AS bone, min(first_exam_on) AS first_exam_on,
           max(months_counted(first_exam_on, service_month, late)) AS months_injury,
           max(months_counted(first_exam_on, service_month, late)) FILTER (WHERE NOT bone) AS months_soft
    FROM (SELECT part.*, judo_counting_next_month_from_day AS late FROM part LEFT JOIN p USING (service_month) WHERE month = '$now')
    GROUP BY ALL
)
SELECT insurer_no, claim_id, version_no, person_id, clinic_id, m, service_month, bone, months_soft,
       claim_id || CASE WHEN version_no < max(version_no) OVER (PARTITION BY insurer_no, claim_id) THEN '#v' || version_no ELSE '' END AS unit_id,
       coalesce(part_count, lines) AS parts,
       coalesce(actual_days, bit_count(visit_days)) AS days,
       coalesce(months_injury, months_counted(coalesce(j.first_exam_on, l.first_exam_on), service_month, judo_counting_next_month_from_day)) AS months
FROM judo j LEFT JOIN lines l USING (insurer_no, claim_id, version_no) LEFT JOIN p USING (service_month)
WHERE month = '$now';

-- a person's claims at one clinic, as seen from each month that this delivery touches
CREATE TEMP TABLE course AS
SELECT row_number() OVER () AS u, * FROM (
    SELECT DISTINCT insurer_no, person_id, clinic_id, service_month, m FROM judo WHERE month = '$now' AND person_id IS NOT NULL);

CREATE TEMP TABLE injury AS
SELECT u, part, start, min(first) AS first, max(ended) AS ended, bool_or(bone) AS bone, max(q.m) AS last_seen
FROM course u JOIN part q USING (insurer_no, person_id, clinic_id)
WHERE q.m BETWEEN u.m - 23 AND u.m
GROUP BY ALL;

-- of each standing claim: can its part of the chain's money be told?
CREATE TEMP TABLE with_money AS
SELECT insurer_no, claim_id, version_no FROM part WHERE month = '$now' AND insurer_yen IS NOT NULL
GROUP BY ALL HAVING (bool_and(keyed) AND sum(yen) > 0) OR count(start) > 0;

CREATE TEMP TABLE chain AS
WITH episode AS (
    SELECT u, start, list(part) AS parts, min(first) AS first, min(ended) AS end_first, max(ended) AS end_last,
           row_number() OVER (PARTITION BY u ORDER BY start) AS n
    FROM injury WHERE start IS NOT NULL GROUP BY u, start
),
linked AS (
    SELECT e.u, e.n
    FROM episode e
    JOIN episode b ON b.u = e.u AND e.n - b.n BETWEEN 1 AND 3
    JOIN course ON course.u = e.u
    JOIN p ON p.service_month = course.service_month
    LEFT JOIN p ps ON ps.service_month = date_trunc('month', e.start)
    CROSS JOIN LATERAL (SELECT months_counted(b.first, date_trunc('month', e.start)::DATE, ps.judo_counting_next_month_from_day) AS k,
                               (p.judo_shift_near_months - 1) // 2 AS half)
    WHERE NOT list_has_all(b.parts, e.parts)
      AND (abs(k - p.judo_shift_count_long) <= half OR abs(k - p.judo_shift_count_reduction) <= half
           OR e.start BETWEEN b.end_first - p.judo_shift_link_days::INTEGER AND b.end_last + p.judo_shift_link_days::INTEGER)
    GROUP BY ALL
),
run AS (
    SELECT e.u, start, count(*) FILTER (WHERE l.u IS NULL) OVER (PARTITION BY e.u ORDER BY e.n) AS run
    FROM episode e LEFT JOIN linked l ON l.u = e.u AND l.n = e.n
)
SELECT u, count(*) AS injuries, min(start) AS first_start
FROM (FROM run QUALIFY run = max(run) OVER (PARTITION BY u)) GROUP BY u;

CREATE TEMP TABLE shifting AS
WITH counted AS (SELECT insurer_no, month_number(service_month) AS m, count(*) AS n FROM judo_claims GROUP BY ALL),
-- stragglers do not make a month: a third of the fullest month's claims does
stored AS (
    SELECT insurer_no, min(m) AS since
    FROM (FROM counted QUALIFY n * 3 >= max(n) OVER (PARTITION BY insurer_no)) GROUP BY insurer_no
),
begun AS (
    SELECT c.u, c.m, injuries, least(greatest(month_number(first_start), since, c.m - 23), c.m) AS since
    FROM chain JOIN course c USING (u) JOIN stored USING (insurer_no)
)
SELECT b.u, injuries, b.m - b.since + 1 AS span,
       round(count(DISTINCT j.m) FILTER (WHERE j.m BETWEEN b.since AND b.m) / (b.m - b.since + 1), 3) AS coverage
FROM begun b JOIN course c USING (u) JOIN judo j USING (insurer_no, person_id, clinic_id)
GROUP BY b.u, b.m, b.since, injuries;

CREATE TEMP TABLE total AS
SELECT u, months, parts
FROM (SELECT c.u, count(DISTINCT j.m) AS months FROM course c JOIN p USING (service_month)
      JOIN judo j USING (insurer_no, person_id, clinic_id)
      WHERE j.m <= c.m AND j.m > c.m - judo_shift_total_window_months GROUP BY ALL)
JOIN (SELECT u, count(*) AS parts FROM injury JOIN course c USING (u) JOIN p USING (service_month)
      WHERE last_seen > c.m - judo_shift_total_window_months GROUP BY ALL) USING (u);

CREATE TEMP TABLE chained AS
SELECT u, c.service_month, insurer_no, unit_id
FROM judo_claim JOIN with_money USING (insurer_no, claim_id, version_no)
JOIN course c USING (insurer_no, person_id, clinic_id, m) SEMI JOIN chain USING (u);
-- what the other claims of the window show does not need this claim's own lines
CREATE TEMP TABLE counted AS
SELECT u, c.service_month, insurer_no, unit_id FROM judo_claim JOIN course c USING (insurer_no, person_id, clinic_id, m);

-- persons at two clinics in a month that this delivery touches, with all their claims
CREATE TEMP TABLE two AS
WITH who AS (
    SELECT DISTINCT insurer_no, person_id FROM judo
    WHERE person_id IS NOT NULL
    GROUP BY insurer_no, person_id, m HAVING min(clinic_id) <> max(clinic_id) AND bool_or(month = '$now'))
SELECT a.insurer_no, person_id, service_month, a.clinic_id AS clinic_a, b.clinic_id AS clinic_b, a.claim_id AS id_a, b.claim_id AS id_b,
       a.version_no AS v_a, b.version_no AS v_b, a.visit_days AS visits_a, b.visit_days AS visits_b,
       a.month = '$now' OR b.month = '$now' AS here
FROM judo a JOIN judo b USING (insurer_no, person_id, service_month) SEMI JOIN who USING (insurer_no, person_id)
WHERE a.clinic_id < b.clinic_id;

CREATE MACRO open_from(s, m) AS CASE WHEN s < m THEN 1 WHEN s <= last_day(m) THEN day(s) WHEN s IS NOT NULL THEN 32 END;
CREATE MACRO open_to(e, m) AS CASE WHEN e > last_day(m) THEN 31 WHEN e >= m THEN day(e) WHEN e IS NOT NULL THEN 0 END;
CREATE TEMP TABLE half AS
WITH days AS (
    SELECT j.*, q.* EXCLUDE (insurer_no, claim_id, version_no, service_month, month, m, person_id, clinic_id, actual_days), q.actual_days AS part_days,
           open_from(started_on, j.service_month) AS from_day, open_to(ended_on, j.service_month) AS to_day,
           j.visit_days & greatest(0, power_of_two(coalesce(to_day, 31)) - power_of_two(coalesce(from_day, 1) - 1)) AS mask
    FROM (SELECT DISTINCT insurer_no, claim_id, version_no, service_month, visit_days FROM judo SEMI JOIN two USING (insurer_no, person_id)) j
    LEFT JOIN part q USING (insurer_no, claim_id, version_no)
)
SELECT insurer_no, claim_id, version_no, part_no, site, side, level, family, outcome, mask,
       coalesce(greatest(bit_count(mask) - part_days, 0), 0) AS spare,
       CASE WHEN mask <> 0 THEN first_day(mask) + 1 ELSE from_day END AS first_day,
       CASE WHEN mask <> 0 THEN last_bit(mask) + 1 ELSE to_day END AS last_day
FROM days;

CREATE TEMP TABLE matched AS
WITH beside AS (
    SELECT two.*, a.site, a.side, a.family, a.mask & b.mask AS shared, a.spare + b.spare AS spare,
           a.last_day < b.first_day AS a_first, b.last_day < a.first_day AS b_first, a.outcome AS out_a, b.outcome AS out_b,
           a.site = b.site AND a.family = b.family AND coalesce(a.level = b.level, true)
               AND (a.side IS NOT DISTINCT FROM b.side OR a.side = 'both' OR b.side = 'both') AS same
    FROM two
    JOIN half a ON (a.insurer_no, a.claim_id, a.version_no) = (two.insurer_no, id_a, v_a)
    JOIN half b ON (b.insurer_no, b.claim_id, b.version_no) = (two.insurer_no, id_b, v_b)
)
SELECT *, CASE WHEN same THEN dense_rank() OVER (PARTITION BY same, insurer_no, person_id, clinic_a, clinic_b, site, side, family ORDER BY service_month) END AS overlap,
       bit_count(shared) - spare AS sure, (a_first OR b_first) AND CASE WHEN a_first THEN out_a WHEN b_first THEN out_b END IN ('cured', 'stopped', 'moved') AS handed
FROM beside WHERE same IS DISTINCT FROM false;
"""

CARE = """
CREATE TEMP TABLE care AS
SELECT * FROM care_claims WHERE service_month IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY insurer_no, care_claim_id ORDER BY month DESC) = 1;

CREATE TEMP TABLE care_kind AS
WITH line AS (
    SELECT insurer_no, care_claim_id, service_kind, max(times) AS times
    FROM care_lines SEMI JOIN care USING (insurer_no, care_claim_id, month) GROUP BY ALL
), sums AS (
    SELECT insurer_no, care_claim_id, service_kind, max(actual_days) FILTER (WHERE actual_days > 0) AS actual_days,
           max(short_actual_days) FILTER (WHERE short_actual_days > 0) AS short_days
    FROM care_totals SEMI JOIN care USING (insurer_no, care_claim_id, month) GROUP BY ALL
)
SELECT c.*, service_kind,
       coalesce(least(actual_days, coalesce(CASE WHEN stay_days > 0 THEN stay_days END, short_days)),
                CASE WHEN list_contains(care_count_once_a_day_kinds, service_kind) AND times > 0 THEN times END) AS service_days
FROM care c JOIN (line FULL JOIN sums USING (insurer_no, care_claim_id, service_kind)) USING (insurer_no, care_claim_id)
LEFT JOIN p USING (service_month);

CREATE TEMP TABLE stay AS
WITH masked AS (
    SELECT insurer_no, person_id, service_month, institution_id, month, visit_days, day(last_day(service_month)) AS dim,
           CASE WHEN admitted_on IS NULL OR admitted_on < service_month THEN 1
                WHEN admitted_on <= last_day(service_month) THEN day(admitted_on) END AS first,
           coalesce(visit_days::BIGINT << 1,
               CASE WHEN (admitted_on IS NOT NULL OR actual_days >= dim) AND actual_days > 0
                    THEN (power_of_two(least(actual_days, dim - first + 1)) - 1) * power_of_two(first) END) AS mask,
           coalesce(CASE WHEN date_trunc('month', admitted_on) = service_month THEN power_of_two(day(admitted_on)) END, 0)
           | coalesce(CASE WHEN date_trunc('month', discharged_on) = service_month THEN power_of_two(day(discharged_on)) END, 0) AS ends,
           coalesce((admitted_on < service_month)::BIGINT, 0)
           | CASE WHEN discharged_on > last_day(service_month) THEN power_of_two(dim + 1) ELSE 0 END AS beside
    FROM claims
    WHERE month >= '$m6' AND inpatient AND person_id IS NOT NULL AND service_month IS NOT NULL
), hospital AS (
    SELECT insurer_no, person_id, service_month, dim, bit_or(mask) AS mask, bit_or(mask) | bit_or(beside) AS wide, bit_or(ends) AS ends,
           bool_or(mask IS NULL) AS blind, bool_and(visit_days IS NOT NULL) AS known, bool_or(month = '$now') AS now
    FROM masked GROUP BY insurer_no, person_id, service_month, dim, institution_id
)
SELECT insurer_no, person_id, service_month, bit_or(mask) AS mask, bool_and(known) AS known, bool_or(now) AS now,
       CASE WHEN NOT bool_or(blind) THEN
           bit_count(bit_or(wide & (wide << 1) & (wide >> 1) & (power_of_two(dim + 1) - 2) & ~ends)) END AS inner_days
FROM hospital GROUP BY insurer_no, person_id, service_month;

CREATE TEMP TABLE stay_care AS
SELECT k.insurer_no, care_claim_id || '#' || service_kind || '@' || k.insurer_no AS unit_id, service_kind, service_month, known,
       CASE WHEN inner_days = 0 THEN 0 ELSE greatest(0, inner_days + service_days - day(last_day(service_month))) END AS sure_days
FROM care_kind k JOIN stay s USING (insurer_no, person_id, service_month)
WHERE (k.month = '$now' OR s.now) AND inner_days IS NOT NULL AND (inner_days = 0 OR service_days IS NOT NULL);

CREATE TEMP TABLE nursing AS
WITH care_now AS (
    SELECT insurer_no, person_id, service_month, bool_or(month = '$now') AS care_now
    FROM care_kind JOIN p USING (service_month)
    WHERE list_contains(care_nursing_kinds, service_kind) AND person_id IS NOT NULL GROUP BY ALL
), visited AS (
    SELECT DISTINCT insurer_no, claim_id, version_no FROM lines
    WHERE record = 'SI' AND category = '14' AND code IN (
        SELECT code FROM codes_m_procedures JOIN any_period ON item = section WHERE parameter = 'care.nursing.medical_sections')
), medical AS (
    SELECT insurer_no, claim_id, version_no, person_id, service_month, kind, month FROM claims
    WHERE month >= '$m6' AND kind = 'nur' AND service_month IS NOT NULL
    UNION ALL
    SELECT insurer_no, claim_id, version_no, person_id, service_month, kind, month FROM claims SEMI JOIN visited USING (insurer_no, claim_id, version_no)
    WHERE month >= '$m6' AND kind = 'med' AND NOT inpatient AND service_month IS NOT NULL
)
SELECT m.* FROM (FROM medical QUALIFY row_number() OVER (PARTITION BY insurer_no, claim_id ORDER BY version_no DESC, month DESC) = 1) m
JOIN care_now USING (insurer_no, person_id, service_month)
WHERE month = '$now' OR care_now;
"""

DRUGS = """
CREATE TEMP TABLE supply AS
WITH who AS (
    SELECT insurer_no, claim_id, version_no, person_id, service_month, CASE WHEN kind = 'pha' THEN prescriber_id ELSE institution_id END AS institution,
           service_month + coalesce(first_day(visit_days), 0) AS first_visit
    FROM claims
    WHERE month >= '$m3' AND (kind = 'pha' OR (kind = 'med' AND NOT inpatient)) AND person_id IS NOT NULL
), handed AS (
    SELECT insurer_no, person_id, institution, service_month, dispensed_on AS start, days, code
    FROM dispensings JOIN who USING (insurer_no, claim_id, version_no) WHERE form = '1'
    UNION ALL
    SELECT insurer_no, person_id, institution, service_month, coalesce(service_month + first_day(unit_mask), first_visit), unit_times, code
    FROM (SELECT *, max(times) OVER unit AS unit_times, max(day_mask) OVER unit AS unit_mask
          FROM lines WHERE month >= '$m3' AND category = '21' AND record IN ('IY', 'SI')
          WINDOW unit AS (PARTITION BY insurer_no, claim_id, version_no, unit_no))
    JOIN who USING (insurer_no, claim_id, version_no) WHERE record = 'IY'
), drug AS (SELECT code, CASE WHEN length(price_code) >= 9 THEN price_code END AS price_code FROM codes_m_drugs)
SELECT h.* REPLACE (CASE WHEN days BETWEEN 1 AND 180 THEN days END AS days), left(price_code, 7) AS component, left(price_code, 9) AS strength, left(price_code, 4) AS effect, left(price_code, 3) AS grp
FROM handed h LEFT JOIN drug USING (code);

-- persons and months of which this delivery brought a receipt with drugs are judged; what still runs is seen
CREATE TEMP TABLE judged AS
SELECT DISTINCT person_id, service_month FROM claims
WHERE month = '$now' AND service_month BETWEEN '$m3-01'::DATE AND '$now-01'::DATE AND person_id IS NOT NULL
  AND (kind = 'pha' OR (kind = 'med' AND NOT inpatient
       AND (insurer_no, claim_id, version_no) IN (SELECT (insurer_no, claim_id, version_no) FROM lines WHERE category = '21' AND record IN ('IY', 'SI'))));
CREATE TEMP TABLE month_supply AS
SELECT insurer_no, person_id, service_month, institution, days, strength, effect, grp
FROM supply SEMI JOIN judged USING (person_id, service_month) WHERE coalesce(start + days > service_month, true);

CREATE MACRO twice(source) AS TABLE
WITH seen AS (
    SELECT j.service_month AS judged_month, s.insurer_no, person_id, key, institution, start, days, s.service_month = j.service_month AS now
    FROM query_table(source) s JOIN judged j USING (person_id)
    WHERE s.service_month <= j.service_month AND start + days > j.service_month AND institution IS NOT NULL
), shared AS (
    SELECT judged_month, person_id, key FROM seen GROUP BY ALL HAVING min(institution) <> max(institution) AND bool_or(now)
), daily AS (
    SELECT judged_month, insurer_no, person_id, key, institution, now, start + unnest(range(days))::INTEGER AS day
    FROM seen SEMI JOIN shared USING (judged_month, person_id, key)
), doubled AS (
    SELECT judged_month, insurer_no, person_id, key, day FROM daily GROUP BY ALL HAVING min(institution) <> max(institution) AND bool_or(now)
)
SELECT judged_month AS service_month, insurer_no, person_id, key, count(*) AS days FROM doubled GROUP BY ALL;
CREATE TEMP VIEW by_component AS SELECT *, component AS key FROM supply WHERE component IS NOT NULL;
CREATE TEMP VIEW hypnotic AS
SELECT supply.*, 'hypnotic' AS key FROM supply JOIN p USING (service_month) WHERE list_contains(drugs_hypnotic_classes, grp);
"""

INJURIES = """
CREATE TEMP TABLE block AS
WITH icd AS (
    SELECT DISTINCT upper(left(unnest([icd10, icd10_2]), 3)) AS block FROM codes_m_diseases
    UNION SELECT DISTINCT upper(left(icd10, 3)) FROM diagnoses
)
SELECT block, r.region FROM icd JOIN injury_blocks b ON block BETWEEN b.low AND b.high LEFT JOIN regions r ON block BETWEEN r.low AND r.high;
CREATE TEMP TABLE hurtful AS
SELECT code, CASE WHEN a.block IS NOT NULL THEN a.region ELSE b.region END AS region
FROM codes_m_diseases LEFT JOIN block a ON a.block = upper(left(icd10, 3)) LEFT JOIN block b ON b.block = upper(left(icd10_2, 3))
WHERE a.block IS NOT NULL OR b.block IS NOT NULL;
CREATE TEMP TABLE marked AS
SELECT insurer_no, claim_id, version_no, person_id, service_month FROM claims
WHERE list_contains(special_codes, '$special') AND person_id IS NOT NULL;
CREATE TEMP TABLE hurt AS
SELECT insurer_no, claim_id, version_no, d.month, started_on, modifiers, region
FROM diagnoses d JOIN hurtful USING (code) WHERE icd10 IS NULL
UNION ALL
SELECT insurer_no, claim_id, version_no, d.month, started_on, modifiers, region
FROM diagnoses d JOIN block ON block = upper(left(icd10, 3));
CREATE TEMP TABLE receipt AS
WITH open_case AS (
    SELECT DISTINCT n.insurer_no, n.claim_id, n.version_no
    FROM (SELECT insurer_no, claim_id, version_no, person_id, service_month, region FROM hurt h JOIN claims USING (insurer_no, claim_id, version_no, month)
          WHERE h.month = '$now' AND region IS NOT NULL AND NOT coalesce(list_contains(special_codes, '$special'), false)) n
    JOIN (SELECT insurer_no, person_id, service_month, region FROM hurt JOIN marked USING (insurer_no, claim_id, version_no)) c
      ON n.insurer_no = c.insurer_no AND n.person_id = c.person_id
     AND month_number(n.service_month) - month_number(c.service_month) BETWEEN 0 AND $open_months
    WHERE n.region = c.region OR n.region = '全身' OR c.region = '全身'
), injured AS (
    SELECT insurer_no, claim_id, version_no, bool_or(coalesce(date_trunc('month', started_on) = service_month, false)) AS new_injury,
           bool_or(date_trunc('month', started_on) = service_month AND NOT coalesce(list_contains(modifiers, '8002'), false)) AS certain
    FROM hurt h JOIN claims USING (insurer_no, claim_id, version_no, month) WHERE h.month = '$now' GROUP BY ALL
), surgery AS (
    SELECT DISTINCT insurer_no, claim_id, version_no FROM lines
    WHERE month = '$now' AND record = 'SI' AND category IN (SELECT item FROM any_period WHERE parameter = 'third_party.surgery_categories')
)
SELECT c.insurer_no, c.claim_id || CASE WHEN c.version_no > 0 THEN '/' || c.version_no ELSE '' END AS unit_id, person_id, service_month, special_codes,
       points, inpatient, s.claim_id IS NOT NULL AS surgery, new_injury, certain, o.claim_id IS NOT NULL AS open_case
FROM claims c
LEFT JOIN injured i USING (insurer_no, claim_id, version_no)
LEFT JOIN surgery s USING (insurer_no, claim_id, version_no)
LEFT JOIN open_case o USING (insurer_no, claim_id, version_no)
WHERE c.month = '$now' AND (c.kind IN ('med', 'dpc') OR list_contains(special_codes, '$special'));
"""

RULES = {
    "JD12": "SELECT insurer_no, unit_id, 'suspicion' AS severity FROM judo_claim JOIN p USING (service_month) WHERE parts >= judo_multi_part_parts",
    "JD13": """SELECT insurer_no, unit_id, 'suspicion' AS severity FROM judo_claim JOIN p USING (service_month)
        WHERE months >= judo_long_months AND NOT (coalesce(bone, false) AND coalesce(months_soft, 0) < judo_long_months)""",
    "JD14": "SELECT insurer_no, unit_id, 'suspicion' AS severity FROM judo_claim JOIN p USING (service_month) WHERE days >= judo_frequent_visits",
    "JD15": """SELECT insurer_no, unit_id, 'suspicion' AS severity FROM judo_claim JOIN p USING (service_month)
        WHERE parts >= judo_multi_frequent_parts AND days >= judo_multi_frequent_days""",
    "JD16": """SELECT insurer_no, unit_id, 'suspicion' AS severity FROM chained JOIN shifting USING (u) JOIN p USING (service_month)
        WHERE injuries >= judo_shift_injuries AND span >= judo_shift_span_months AND coverage >= judo_shift_coverage""",
    "JD16B": """SELECT insurer_no, unit_id, 'suspicion' AS severity FROM counted JOIN total USING (u) JOIN p USING (service_month)
        WHERE months >= judo_shift_total_months AND parts >= judo_shift_total_parts""",
    "JD17": """SELECT insurer_no, unit_id, CASE WHEN sure > 0 THEN 'error' ELSE 'suspicion' END AS severity
        FROM (SELECT insurer_no, service_month, least(id_a, id_b) || '+' || greatest(id_a, id_b) AS unit_id, v_a, v_b,
                     max(overlap) AS months, max(sure) FILTER (WHERE same) AS sure, count(*) FILTER (WHERE same) = count(*) FILTER (WHERE same AND handed) AS handed
              FROM matched WHERE here GROUP BY insurer_no, service_month, id_a, id_b, v_a, v_b
              QUALIFY row_number() OVER (PARTITION BY insurer_no, unit_id ORDER BY v_a DESC, v_b DESC) = 1)
        JOIN p USING (service_month) WHERE months >= judo_two_clinics_months AND NOT (handed AND months = 1)""",
    "MC01": """SELECT insurer_no, unit_id, CASE WHEN known AND list_contains(care_home_day_kinds, service_kind) THEN 'error' ELSE 'suspicion' END AS severity
        FROM stay_care JOIN p USING (service_month)
        WHERE sure_days > 0 AND (list_contains(care_home_day_kinds, service_kind) OR list_contains(care_home_monthly_kinds, service_kind))""",
    "MC02": """SELECT insurer_no, unit_id, CASE WHEN known THEN 'error' ELSE 'suspicion' END AS severity FROM stay_care JOIN p USING (service_month)
        WHERE sure_days > care_facility_absence_days AND list_contains(care_facility_kinds, service_kind)""",
    "MC03": """WITH ordered AS (
            SELECT DISTINCT insurer_no, claim_id, version_no FROM lines
            WHERE (record = 'JS' AND code = '01') OR (record = 'HJ' AND code IN ('02', '03', '04'))
        ), ill AS (
            SELECT insurer_no, person_id, service_month, modifiers, d.icd10 IS NOT NULL AS own, CASE WHEN own THEN d.name ELSE x.name END AS name,
                   unnest(CASE WHEN own THEN [d.icd10] ELSE [x.icd10, x.icd10_2] END) AS icd
            FROM claims c SEMI JOIN nursing USING (insurer_no, person_id, service_month)
            JOIN diagnoses d USING (insurer_no, claim_id, version_no, month)
            LEFT JOIN codes_m_diseases x USING (code)
            WHERE c.month >= '$m6'
        ), exempt AS (
            SELECT insurer_no, person_id, service_month FROM ill JOIN p USING (service_month)
            WHERE list_has_any(care_nursing_exempt_icd, [left(icd, 1), left(icd, 3), left(icd, 4)])
               OR (list_contains(care_nursing_terminal_icd, left(icd, 1))
                   AND (contains(name, care_nursing_terminal_word) OR list_has_any(modifiers, care_nursing_terminal_modifiers)))
        )
        SELECT insurer_no, claim_id AS unit_id, 'suspicion' AS severity FROM nursing n
        WHERE NOT (kind = 'nur' AND (insurer_no, claim_id, version_no) IN (SELECT (insurer_no, claim_id, version_no) FROM ordered))
          AND (insurer_no, person_id, service_month) NOT IN (SELECT (insurer_no, person_id, service_month) FROM exempt)""",
    "MC05": """WITH fee AS (
            SELECT insurer_no, person_id, service_month, bool_or(c.month = '$now') AS fee_now FROM claims c
            WHERE c.month >= '$m6' AND kind = 'med' AND NOT inpatient AND (insurer_no, person_id) IN (SELECT (insurer_no, person_id) FROM care)
              AND (insurer_no, claim_id, version_no) IN (SELECT (insurer_no, claim_id, version_no) FROM lines WHERE record = 'SI' AND category = '14' AND code IN
                  (SELECT code FROM codes_m_procedures JOIN any_period ON item = section WHERE parameter = 'care.management.sections'))
            GROUP BY ALL
        )
        SELECT insurer_no, care_claim_id || '#' || line_no || '@' || insurer_no AS unit_id, 'error' AS severity
        FROM care_lines JOIN care c USING (insurer_no, care_claim_id, month) JOIN fee USING (insurer_no, person_id, service_month) JOIN p USING (service_month)
        WHERE (c.month = '$now' OR fee_now) AND list_contains(care_guidance_kinds, service_kind)
          AND (list_contains(care_guidance_first_items_one, item) OR list_contains(care_guidance_first_items_few, item) OR list_contains(care_guidance_first_items_many, item))""",
    "MC07": """WITH visit AS (
            SELECT insurer_no, person_id, service_month, claim_id || '#' || code AS unit_id, version_no, nullif(bit_or(day_mask), 0)::BIGINT AS days
            FROM lines l JOIN claims c USING (insurer_no, claim_id, version_no, month)
            WHERE month = '$now' AND record = 'SS' AND kind = 'den' AND NOT inpatient
              AND code IN (SELECT code FROM codes_m_dental JOIN any_period ON contains(name, item) WHERE parameter = 'care.hygiene.name')
            GROUP BY insurer_no, person_id, service_month, claim_id, code, version_no
            QUALIFY row_number() OVER (PARTITION BY insurer_no, claim_id, code ORDER BY version_no DESC) = 1
        ), dated AS (
            SELECT *, service_month + coalesce(first_day(days), 0) AS first, coalesce(service_month + last_bit(days), last_day(service_month)) AS last FROM visit
        ), register AS (
            FROM eligibility WHERE care_level IS NOT NULL QUALIFY rank() OVER (PARTITION BY insurer_no, person_id ORDER BY month DESC) = 1
        ), inside AS (
            SELECT insurer_no, person_id, service_month
            FROM (SELECT insurer_no, care_claim_id, month, service_kind FROM care_lines UNION ALL SELECT insurer_no, care_claim_id, month, service_kind FROM care_totals)
            JOIN care USING (insurer_no, care_claim_id, month) JOIN p USING (service_month) WHERE list_contains(care_facility_inpatient_kinds, service_kind)
        )
        SELECT d.insurer_no, unit_id, 'error' AS severity FROM dated d JOIN p USING (service_month)
        WHERE (EXISTS (FROM register r WHERE r.insurer_no = d.insurer_no AND r.person_id = d.person_id AND list_contains(care_certified_levels, care_level)
                           AND coalesce(certified_from, first) <= first AND coalesce(certified_to, last) >= last)
            OR EXISTS (FROM care c WHERE (c.insurer_no, c.person_id, c.service_month) = (d.insurer_no, d.person_id, d.service_month)
                           AND list_contains(care_certified_levels, care_level)))
          AND NOT EXISTS (FROM stay s WHERE (s.insurer_no, s.person_id, s.service_month) = (d.insurer_no, d.person_id, d.service_month)
                              AND (d.days IS NULL OR s.mask & (d.days << 1) > 0))
          AND NOT EXISTS (FROM inside i WHERE (i.insurer_no, i.person_id, i.service_month) = (d.insurer_no, d.person_id, d.service_month))""",
    "RX01": """SELECT insurer_no, person_id || ':' || strftime(service_month, '%Y-%m') || ':' || key AS unit_id, 'suspicion' AS severity
        FROM twice('by_component') JOIN p USING (service_month)
        WHERE days >= drugs_duplicate_overlap_days AND NOT list_contains(drugs_duplicate_excluded_classes, left(key, 3))""",
    "RX02": """WITH listed AS (
            SELECT insurer_no, person_id, service_month, effect, institution FROM month_supply JOIN p USING (service_month)
            WHERE effect IS NOT NULL AND institution IS NOT NULL AND NOT coalesce(list_contains(drugs_duplicate_excluded_classes, grp), false)
        ), shared AS (SELECT person_id, service_month, effect FROM listed GROUP BY ALL HAVING min(institution) <> max(institution))
        SELECT insurer_no, person_id || ':' || strftime(service_month, '%Y-%m') AS unit_id, 'suspicion' AS severity
        FROM listed SEMI JOIN shared USING (person_id, service_month, effect) JOIN p USING (service_month)
        GROUP BY insurer_no, person_id, service_month, drugs_kdb_many_institutions, drugs_kdb_many_classes
        HAVING count(DISTINCT institution) >= drugs_kdb_many_institutions OR count(DISTINCT effect) >= drugs_kdb_many_classes""",
    "RX03": """SELECT insurer_no, person_id || ':' || strftime(service_month, '%Y-%m') AS unit_id, 'suspicion' AS severity
        FROM (SELECT insurer_no, person_id, service_month, strength FROM month_supply JOIN p USING (service_month) WHERE strength IS NOT NULL
              GROUP BY insurer_no, person_id, service_month, strength, drugs_poly_days HAVING sum(days) >= drugs_poly_days)
        JOIN p USING (service_month) GROUP BY insurer_no, person_id, service_month, drugs_poly_drugs HAVING count(*) >= drugs_poly_drugs""",
    "RX04": """SELECT insurer_no, person_id || ':' || strftime(service_month, '%Y-%m') AS unit_id, 'suspicion' AS severity
        FROM twice('hypnotic') JOIN p USING (service_month) WHERE days >= drugs_hypnotic_overlap_days""",
    "TP01": """SELECT insurer_no, unit_id, 'error' AS severity FROM receipt JOIN p USING (service_month)
        WHERE list_contains(special_codes, third_party_special_code)""",
    "TP02": """SELECT insurer_no, unit_id, 'suspicion' AS severity FROM receipt JOIN p USING (service_month)
        WHERE new_injury AND certain AND (points >= third_party_points OR inpatient OR surgery)
          AND NOT list_contains(special_codes, third_party_special_code) AND NOT open_case""",
    "TP03": """SELECT insurer_no, unit_id, 'suspicion' AS severity FROM receipt JOIN p USING (service_month)
        WHERE open_case AND NOT list_contains(special_codes, third_party_special_code)""",
}


def flagged(home: Path, month: date, threads: int = 2) -> pl.DataFrame:
    """Return the flagged keys of a stored delivery month: rule_id, insurer_no, unit_id, severity (all text), unsorted."""
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("SET enable_progress_bar = false")
        _views(connection, home / "tables", month)
        _parameters(connection, month)
        value = {n: load().value(f"third_party.{p}", month) for n, p in (("special", "special_code"), ("open_months", "open_months"))}
        value |= {f"m{n}": f"{months_before(month, n):%Y-%m}" for n in (3, 6)} | {"now": f"{month:%Y-%m}"}
        connection.execute(MACROS)
        for family in (JUDO, CARE, DRUGS, INJURIES):
            connection.execute(Template(family).substitute(value))
        return pl.concat(connection.sql(f"SELECT '{r}' AS rule_id, * FROM ({Template(q).substitute(value)})").pl() for r, q in RULES.items())


def _views(connection: duckdb.DuckDBPyConnection, tables: Path, month: date) -> None:
    """A view per table: rows that stand, with their delivery month as text; masters as of the month."""
    for name in (*sorted(BACK, key=lambda n: n != "superseded"), *CODES):  # superseded first, the others read it
        if name in CODES:
            glob, hive = tables / name / "revision=*" / "part.parquet", "false"
        else:
            glob, hive = tables / name / "insurer=*" / "month=*" / "part.parquet", "true, hive_types = {'insurer': VARCHAR, 'month': VARCHAR}"
        files = f"read_parquet('{glob}', hive_partitioning = {hive})"
        if not any(tables.glob(glob.relative_to(tables).as_posix())):
            connection.register(f"none_{name}", ALL[name].empty().to_arrow())
            files = f"(SELECT *, NULL::VARCHAR AS month FROM none_{name})"
        if name in CODES:
            after = f"DATE '{months_before(month, -1)}'"
            query = f"SELECT * FROM {files} QUALIFY row_number() OVER (PARTITION BY code ORDER BY revision >= {after}, abs(revision - {after})) = 1"
            connection.execute(f"CREATE TEMP TABLE codes_{name} AS {query}")
            continue
        query = f"SELECT * FROM {files} t WHERE month BETWEEN '{months_before(month, BACK[name]):%Y-%m}' AND '{month:%Y-%m}'"
        if name in KEYED:
            version = "" if KEYED[name] == "care_claim_id" else "AND s.version_no = t.version_no"
            query += f" AND NOT EXISTS (FROM superseded s WHERE s.insurer_no = t.insurer_no AND s.claim_id = t.{KEYED[name]} {version})"
        if "is_current" in ALL[name].schema:
            query += " AND is_current"
        # receipts and their lines are read by many queries: decode once what these need
        kept = {"claims": RECEIPT, "lines": LINE}.get(name)
        query = query.replace("SELECT *", f"SELECT {', '.join(kept)}") if kept else query
        query += f" AND ({USED_LINES})" if name == "lines" else ""
        connection.execute(f"CREATE TEMP {'TABLE' if kept else 'VIEW'} {name} AS {query}")


def _parameters(connection: duckdb.DuckDBPyConnection, month: date) -> None:
    """`p`: a row per service month with every value as a column; lists of all periods; ICD-10 ranges as rows."""
    parameters = load()
    months = [months_before(month, n) for n in range(month.year * 12 + month.month - 2012 * 12)]
    columns: dict[str, object] = {"service_month": months}
    named = set(re.findall(r"[a-z]+_[a-z_]+", " ".join((JUDO, CARE, DRUGS, INJURIES, *RULES.values()))))
    for parameter in (q for q in parameters if q.name.replace(".", "_") in named):
        periods = [*parameter.periods, None]
        values = pl.Series([list(v) if isinstance(v := q and q.value, tuple) else v for q in periods], strict=False)
        columns[parameter.name.replace(".", "_")] = values.gather([periods.index(parameter.on(m)) for m in months])
    connection.register("dated", pl.DataFrame(columns).to_arrow())
    connection.execute("CREATE TEMP TABLE p AS FROM dated")
    listed = [(q.name, item) for q in parameters for x in q.periods for item in (x.value if isinstance(x.value, tuple) else (x.value,)) if isinstance(item, str)]
    connection.register("listed", pl.DataFrame(listed, schema=["parameter", "item"], orient="row").unique().to_arrow())
    connection.execute("CREATE TEMP TABLE any_period AS FROM listed")
    for table, name in (("injury_blocks", "third_party.injury_blocks"), ("regions", "third_party.regions")):
        spans = [(*span.split("-"), region) for span, _, region in (v.partition("=") for v in parameters.value(name, month) or ())]
        connection.register(f"{table}_rows", pl.DataFrame(spans, schema=["low", "high", "region"], orient="row").to_arrow())
        connection.execute(f"CREATE TEMP TABLE {table} AS FROM {table}_rows")
