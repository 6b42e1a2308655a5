/**
 * The one list of functions that a statement may call: they compute from their arguments alone. A function that reads
 * tables by name, or runs text (`query_to_xml`, `dblink`, `nextval`), would pass by the tenant's filter, and so might
 * any that is not known here. A test compares the list with the catalog of PostgreSQL.
 */
const split = (text: string): readonly string[] => text.split(/\s+/).filter((name) => name !== '');

/**
 * PostgreSQL's own. Some look at the session's time, time zone and formats, or at the declaration of an argument's
 * type.
 */
export const builtin = split(`
abs ceil ceiling floor round trunc mod div power pow sqrt cbrt exp ln log
log10 sign degrees radians pi width_bucket gcd lcm
factorial scale min_scale trim_scale erf erfc gamma lgamma sin cos tan cot
asin acos atan atan2 sind cosd tand cotd asind acosd
atand atan2d sinh cosh tanh asinh acosh atanh
count sum avg min max array_agg string_agg json_agg jsonb_agg
json_object_agg jsonb_object_agg bool_and bool_or every any_value
bit_and bit_or bit_xor stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp regr_slope
regr_intercept regr_count regr_r2 regr_avgx regr_avgy regr_sxx regr_sxy
regr_syy mode percentile_cont percentile_disc range_agg
range_intersect_agg xmlagg
row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
lower upper initcap casefold length char_length character_length
octet_length bit_length concat concat_ws substr substring left
right lpad rpad ltrim rtrim btrim replace translate reverse repeat
split_part starts_with strpos position overlay ascii chr
format quote_ident quote_literal quote_nullable parse_ident md5 sha224 sha256 sha384 sha512 crc32 crc32c hashtext
hashtextextended encode decode to_hex to_bin to_oct to_ascii convert convert_from convert_to regexp_replace regexp_match
regexp_matches regexp_count regexp_like regexp_substr regexp_instr
regexp_split_to_array regexp_split_to_table string_to_array
string_to_table array_to_string unistr normalize bit_count get_bit
get_byte set_bit set_byte pg_size_pretty pg_size_bytes
pg_column_size
to_char to_date to_timestamp to_number now statement_timestamp
transaction_timestamp date_trunc date_part date_bin date_add
date_subtract extract age make_date make_time make_timestamp make_timestamptz make_interval justify_days justify_hours
justify_interval isfinite timezone overlaps
enum_range enum_first enum_last num_nulls num_nonnulls uuid_extract_timestamp uuid_extract_version
json_build_object jsonb_build_object json_build_array jsonb_build_array
to_json to_jsonb row_to_json array_to_json json_object
jsonb_object json_array_length jsonb_array_length json_array_elements jsonb_array_elements json_array_elements_text
jsonb_array_elements_text json_each jsonb_each json_each_text jsonb_each_text json_object_keys jsonb_object_keys
json_extract_path jsonb_extract_path json_extract_path_text jsonb_extract_path_text json_typeof jsonb_typeof jsonb_set
jsonb_set_lax jsonb_insert jsonb_strip_nulls json_strip_nulls jsonb_pretty jsonb_concat jsonb_delete jsonb_delete_path
jsonb_contains jsonb_exists jsonb_exists_any jsonb_exists_all
jsonb_path_query jsonb_path_query_array jsonb_path_query_first
jsonb_path_exists jsonb_path_match jsonb_path_query_tz
jsonb_path_query_array_tz jsonb_path_query_first_tz jsonb_path_exists_tz
jsonb_path_match_tz json_to_record jsonb_to_record json_to_recordset jsonb_to_recordset json_populate_record
jsonb_populate_record json_populate_recordset jsonb_populate_recordset jsonb_populate_record_valid
array_append array_prepend array_cat array_length array_lower array_upper
array_ndims array_dims array_position array_positions
array_remove array_replace array_fill cardinality unnest generate_series
generate_subscripts trim_array array_sort array_reverse
lower_inc upper_inc lower_inf upper_inf isempty range_merge int4range
int8range numrange tsrange tstzrange daterange multirange
int4multirange int8multirange nummultirange tsmultirange tstzmultirange datemultirange
to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery json_to_tsvector jsonb_to_tsvector ts_rank
ts_rank_cd ts_headline setweight strip tsvector_to_array array_to_tsvector
numnode querytree ts_delete ts_filter tsquery_phrase
host hostmask netmask network masklen family broadcast set_masklen inet_merge inet_same_family abbrev macaddr8_set7bit
point box circle line lseg path polygon area center diameter diagonal
height width radius npoints slope isclosed isopen pclose
popen bound_box isparallel isperp ishorizontal isvertical
xmlcomment xmltext xpath xpath_exists xml_is_well_formed xml_is_well_formed_document xml_is_well_formed_content
bool int2 int4 int8 float4 float8 numeric money text varchar bpchar bit
varbit bytea date time timetz timestamp timestamptz
interval cidr macaddr macaddr8 xml
`);

/** PostgreSQL's own that give another value each time. They tell of the clock and of chance, not of rows. */
export const ofTheMoment = split(`
random random_normal clock_timestamp timeofday gen_random_uuid uuidv4 uuidv7 array_sample array_shuffle
`);

/**
 * Those that do something besides: a lock until the transaction ends, under a number that the application chose, which
 * tells nothing but by waiting; and a message to those who listen. What says whether a lock was free, or how far a
 * sequence has come, tells of others, and has to be trusted by its name.
 */
export const doing = split('pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_notify');

/**
 * Those of extensions: pg_trgm, fuzzystrmatch, unaccent, pgcrypto, uuid-ossp, hstore, ltree, cube, earthdistance,
 * pgvector, PostGIS.
 */
export const ofExtensions = split(`
similarity word_similarity strict_word_similarity show_trgm
soundex difference levenshtein levenshtein_less_equal metaphone dmetaphone dmetaphone_alt daitch_mokotoff
unaccent
digest hmac crypt gen_salt encrypt decrypt encrypt_iv decrypt_iv
gen_random_bytes armor dearmor pgp_sym_encrypt pgp_sym_decrypt
pgp_sym_encrypt_bytea pgp_sym_decrypt_bytea pgp_pub_encrypt pgp_pub_decrypt
pgp_pub_encrypt_bytea pgp_pub_decrypt_bytea pgp_key_id
uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 uuid_nil uuid_ns_dns uuid_ns_url
uuid_ns_oid uuid_ns_x500
hstore akeys avals skeys svals hstore_to_json hstore_to_jsonb hstore_to_array hstore_to_matrix
nlevel subpath subltree lca text2ltree ltree2text
cube cube_dim cube_distance cube_enlarge earth_distance earth_box ll_to_earth
vector halfvec sparsevec cosine_distance l2_distance l1_distance
inner_product hamming_distance jaccard_distance vector_dims
vector_norm l2_norm l2_normalize binary_quantize subvector
geometry geography st_distance st_distancesphere st_distancespheroid st_3ddistance st_maxdistance st_hausdorffdistance
st_frechetdistance st_dwithin st_dfullywithin st_contains
st_containsproperly st_within st_covers st_coveredby st_intersects
st_touches st_crosses st_overlaps st_disjoint st_equals st_orderingequals
st_relate st_point st_pointz st_makepoint st_makeline
st_makepolygon st_makeenvelope st_makebox2d st_polygon st_setsrid st_srid st_transform st_geomfromtext st_geomfromewkt
st_geomfromwkb st_geomfromewkb st_geomfromgeojson st_geomfromgeohash
st_geogfromtext st_geographyfromtext st_astext st_asewkt
st_asbinary st_asewkb st_asgeojson st_asgml st_askml st_assvg
st_aslatlontext st_asmvt st_asmvtgeom st_asgeobuf st_geohash
st_tileenvelope st_x st_y st_z st_m st_xmin st_xmax st_ymin st_ymax st_area
st_length st_length2d st_lengthspheroid st_perimeter
st_azimuth st_angle st_project st_buffer st_centroid st_pointonsurface
st_envelope st_expand st_extent st_boundary st_convexhull
st_concavehull st_simplify st_simplifypreservetopology st_snaptogrid
st_snap st_segmentize st_union st_unaryunion st_collect
st_intersection st_difference st_symdifference st_split st_subdivide
st_makevalid st_isvalid st_isvalidreason st_issimple
st_isempty st_isclosed st_isring st_numpoints st_npoints st_numgeometries
st_geometryn st_geometrytype st_pointn st_startpoint
st_endpoint st_exteriorring st_interiorringn st_dump st_dumppoints
st_dumprings st_multi st_force2d st_force3d st_flipcoordinates
st_reverse st_translate st_scale st_rotate st_closestpoint st_shortestline st_longestline st_lineinterpolatepoint
st_linelocatepoint st_linesubstring st_linemerge st_addpoint
st_removepoint st_setpoint st_clusterdbscan st_clusterkmeans
st_voronoipolygons st_delaunaytriangles st_minimumboundingcircle st_hexagongrid st_squaregrid st_generatepoints
`);

const safe: ReadonlySet<string> = new Set([...builtin, ...ofTheMoment, ...doing, ...ofExtensions]);

export const isSafeFunction = (name: string): boolean => safe.has(name);

const others =
  'Use functions of PostgreSQL that read their arguments only; ' +
  'trust one of your own with withTenancy(db, { functions: [...] })';
const instead: Record<string, string> = {
  nextval:
    "Let the column's default draw it; trust it with withTenancy(db, { functions: ['nextval'] }) " +
    'if its numbers may tell how many rows others have',
  pg_typeof: 'Cast it to text at once, as in pg_typeof(x)::text',
  currval: 'Take the value from RETURNING',
  lastval: 'Take the value from RETURNING',
  set_config: 'Write SET LOCAL in a transaction, for a setting that changes no row that is seen',
  pg_advisory_lock: 'Use pg_advisory_xact_lock(), which the end of the transaction frees',
};

/** What to do instead of calling a function that is not on the list. */
export const remedyFor = (name: string): string => instead[name] ?? others;
