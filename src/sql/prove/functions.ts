/**
 * The functions that a `sql` template may call: those of PostgreSQL that compute from their arguments alone.
 * A function that reads tables by name, or runs text (`query_to_xml`, `dblink`, `nextval`), would pass by the
 * tenant's filter, and so might any function that is not known here.
 */
const names = `
abs ceil ceiling floor round trunc mod div power sqrt cbrt exp ln log log10 sign degrees radians pi random greatest least
sin cos tan asin acos atan atan2 width_bucket gcd lcm factorial scale min_scale trim_scale
count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bool_and bool_or every
any_value bit_and bit_or bit_xor stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp
regr_slope regr_intercept regr_count regr_r2 mode percentile_cont percentile_disc range_agg range_intersect_agg grouping
row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
lower upper initcap length char_length character_length octet_length bit_length concat concat_ws substr substring left
right lpad rpad ltrim rtrim btrim trim replace translate reverse repeat split_part starts_with strpos position overlay
ascii chr format quote_ident quote_literal quote_nullable md5 sha224 sha256 sha384 sha512 encode decode to_hex
regexp_replace regexp_match regexp_matches regexp_count regexp_like regexp_substr regexp_instr regexp_split_to_array
regexp_split_to_table string_to_array string_to_table array_to_string unistr normalize unaccent similarity
word_similarity strict_word_similarity levenshtein soundex metaphone
to_char to_date to_timestamp to_number now clock_timestamp statement_timestamp transaction_timestamp timeofday date_trunc
date_part date_bin date_add date_subtract extract age make_date make_time make_timestamp make_timestamptz make_interval
justify_days justify_hours justify_interval isfinite timezone localtimestamp current_timestamp
enum_range enum_first enum_last overlaps
coalesce nullif num_nulls num_nonnulls cast
gen_random_uuid uuidv4 uuidv7 uuid_generate_v4 uuid_extract_timestamp
json_build_object jsonb_build_object json_build_array jsonb_build_array to_json to_jsonb row_to_json array_to_json
json_object jsonb_object json_array_length jsonb_array_length json_array_elements jsonb_array_elements
json_array_elements_text jsonb_array_elements_text json_each jsonb_each json_each_text jsonb_each_text json_object_keys
jsonb_object_keys json_extract_path jsonb_extract_path json_extract_path_text jsonb_extract_path_text json_typeof
jsonb_typeof jsonb_set jsonb_set_lax jsonb_insert jsonb_strip_nulls json_strip_nulls jsonb_pretty jsonb_path_query
jsonb_path_query_array jsonb_path_query_first jsonb_path_exists jsonb_path_match json_to_record jsonb_to_record
json_to_recordset jsonb_to_recordset json_populate_record jsonb_populate_record json_populate_recordset
jsonb_populate_recordset json_value json_query json_exists json_array
array_append array_prepend array_cat array_length array_lower array_upper array_ndims array_dims array_position
array_positions array_remove array_replace array_fill cardinality unnest generate_series generate_subscripts
trim_array array_shuffle array_sample array_sort array_reverse
lower_inc upper_inc lower_inf upper_inf isempty range_merge int4range int8range numrange tsrange tstzrange daterange
int4multirange int8multirange nummultirange tsmultirange tstzmultirange datemultirange
to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline setweight
strip tsvector_to_array array_to_tsvector numnode querytree ts_delete ts_filter
host hostmask netmask network masklen family broadcast set_masklen inet_merge inet_same_family abbrev macaddr8_set7bit
point box circle line lseg path polygon area center diameter height width radius npoints
cosine_distance l2_distance l1_distance inner_product vector_dims vector_norm l2_normalize binary_quantize subvector
st_distance st_dwithin st_contains st_within st_intersects st_point st_makepoint st_setsrid st_geomfromtext st_astext
st_asgeojson st_geomfromgeojson st_x st_y st_area st_length st_buffer st_centroid st_transform
pg_typeof
numeric decimal varchar char character bpchar bit varbit timestamp timestamptz time timetz interval float vector halfvec
sparsevec geometry geography
`;

export const safeFunctions: ReadonlySet<string> = new Set(names.split(/\s+/).filter((name) => name !== ''));
export const isSafeFunction = (name: string): boolean => safeFunctions.has(name);
