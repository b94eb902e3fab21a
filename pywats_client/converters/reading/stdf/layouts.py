"""What each record of STDF V4 holds.

Names, types and order of the fields are those of the Standard Test Data Format Specification, version 4 (Teradyne),
and of V4-2007 for scan tests. Field types: U, I, R and the count of bytes for numbers; C1 and B1 for a character and
for flags; Cn, Bn and Dn for what has its length before it; N1 for half a byte. `X:U2*K` is an array of K items.
"""

import re

_LAYOUTS = {
    "FAR": (0, 10, "CPU_TYPE:U1 STDF_VER:U1"),
    "ATR": (0, 20, "MOD_TIM:U4 CMD_LINE:Cn"),
    "VUR": (0, 30, "UPD_NAM:Cn"),
    "MIR": (
        *(1, 10),
        "SETUP_T:U4 START_T:U4 STAT_NUM:U1 MODE_COD:C1 RTST_COD:C1 PROT_COD:C1 BURN_TIM:U2 CMOD_COD:C1 LOT_ID:Cn "
        "PART_TYP:Cn NODE_NAM:Cn TSTR_TYP:Cn JOB_NAM:Cn JOB_REV:Cn SBLOT_ID:Cn OPER_NAM:Cn EXEC_TYP:Cn EXEC_VER:Cn "
        "TEST_COD:Cn TST_TEMP:Cn USER_TXT:Cn AUX_FILE:Cn PKG_TYP:Cn FAMLY_ID:Cn DATE_COD:Cn FACIL_ID:Cn FLOOR_ID:Cn "
        "PROC_ID:Cn OPER_FRQ:Cn SPEC_NAM:Cn SPEC_VER:Cn FLOW_ID:Cn SETUP_ID:Cn DSGN_REV:Cn ENG_ID:Cn ROM_COD:Cn "
        "SERL_NUM:Cn SUPR_NAM:Cn",
    ),
    "MRR": (1, 20, "FINISH_T:U4 DISP_COD:C1 USR_DESC:Cn EXC_DESC:Cn"),
    "PCR": (1, 30, "HEAD_NUM:U1 SITE_NUM:U1 PART_CNT:U4 RTST_CNT:U4 ABRT_CNT:U4 GOOD_CNT:U4 FUNC_CNT:U4"),
    "HBR": (1, 40, "HEAD_NUM:U1 SITE_NUM:U1 BIN_NUM:U2 BIN_CNT:U4 BIN_PF:C1 BIN_NAM:Cn"),
    "SBR": (1, 50, "HEAD_NUM:U1 SITE_NUM:U1 BIN_NUM:U2 BIN_CNT:U4 BIN_PF:C1 BIN_NAM:Cn"),
    "PMR": (1, 60, "PMR_INDX:U2 CHAN_TYP:U2 CHAN_NAM:Cn PHY_NAM:Cn LOG_NAM:Cn HEAD_NUM:U1 SITE_NUM:U1"),
    "PGR": (1, 62, "GRP_INDX:U2 GRP_NAM:Cn INDX_CNT:U2 PMR_INDX:U2*INDX_CNT"),
    "PLR": (1, 63, ""),
    "RDR": (1, 70, "NUM_BINS:U2 RTST_BIN:U2*NUM_BINS"),
    "SDR": (
        *(1, 80),
        "HEAD_NUM:U1 SITE_GRP:U1 SITE_CNT:U1 SITE_NUM:U1*SITE_CNT HAND_TYP:Cn HAND_ID:Cn CARD_TYP:Cn CARD_ID:Cn "
        "LOAD_TYP:Cn LOAD_ID:Cn DIB_TYP:Cn DIB_ID:Cn CABL_TYP:Cn CABL_ID:Cn CONT_TYP:Cn CONT_ID:Cn LASR_TYP:Cn "
        "LASR_ID:Cn EXTR_TYP:Cn EXTR_ID:Cn",
    ),
    "WIR": (2, 10, "HEAD_NUM:U1 SITE_GRP:U1 START_T:U4 WAFER_ID:Cn"),
    "WRR": (
        *(2, 20),
        "HEAD_NUM:U1 SITE_GRP:U1 FINISH_T:U4 PART_CNT:U4 RTST_CNT:U4 ABRT_CNT:U4 GOOD_CNT:U4 FUNC_CNT:U4 WAFER_ID:Cn "
        "FABWF_ID:Cn FRAME_ID:Cn MASK_ID:Cn USR_DESC:Cn EXC_DESC:Cn",
    ),
    "WCR": (
        *(2, 30),
        "WAFR_SIZ:R4 DIE_HT:R4 DIE_WID:R4 WF_UNITS:U1 WF_FLAT:C1 CENTER_X:I2 CENTER_Y:I2 POS_X:C1 POS_Y:C1",
    ),
    "PIR": (5, 10, "HEAD_NUM:U1 SITE_NUM:U1"),
    "PRR": (
        *(5, 20),
        "HEAD_NUM:U1 SITE_NUM:U1 PART_FLG:B1 NUM_TEST:U2 HARD_BIN:U2 SOFT_BIN:U2 X_COORD:I2 Y_COORD:I2 TEST_T:U4 "
        "PART_ID:Cn PART_TXT:Cn PART_FIX:Bn",
    ),
    "TSR": (
        *(10, 30),
        "HEAD_NUM:U1 SITE_NUM:U1 TEST_TYP:C1 TEST_NUM:U4 EXEC_CNT:U4 FAIL_CNT:U4 ALRM_CNT:U4 TEST_NAM:Cn SEQ_NAME:Cn "
        "TEST_LBL:Cn",  # and statistics
    ),
    "PTR": (
        *(15, 10),
        "TEST_NUM:U4 HEAD_NUM:U1 SITE_NUM:U1 TEST_FLG:B1 PARM_FLG:B1 RESULT:R4 TEST_TXT:Cn ALARM_ID:Cn OPT_FLAG:B1 "
        "RES_SCAL:I1 LLM_SCAL:I1 HLM_SCAL:I1 LO_LIMIT:R4 HI_LIMIT:R4 UNITS:Cn C_RESFMT:Cn C_LLMFMT:Cn C_HLMFMT:Cn "
        "LO_SPEC:R4 HI_SPEC:R4",
    ),
    "MPR": (
        *(15, 15),
        "TEST_NUM:U4 HEAD_NUM:U1 SITE_NUM:U1 TEST_FLG:B1 PARM_FLG:B1 RTN_ICNT:U2 RSLT_CNT:U2 RTN_STAT:N1*RTN_ICNT "
        "RTN_RSLT:R4*RSLT_CNT TEST_TXT:Cn ALARM_ID:Cn OPT_FLAG:B1 RES_SCAL:I1 LLM_SCAL:I1 HLM_SCAL:I1 LO_LIMIT:R4 "
        "HI_LIMIT:R4 START_IN:R4 INCR_IN:R4 RTN_INDX:U2*RTN_ICNT UNITS:Cn UNITS_IN:Cn C_RESFMT:Cn C_LLMFMT:Cn "
        "C_HLMFMT:Cn LO_SPEC:R4 HI_SPEC:R4",
    ),
    "FTR": (
        *(15, 20),
        "TEST_NUM:U4 HEAD_NUM:U1 SITE_NUM:U1 TEST_FLG:B1 OPT_FLAG:B1 CYCL_CNT:U4 REL_VADR:U4 REPT_CNT:U4 NUM_FAIL:U4 "
        "XFAIL_AD:I4 YFAIL_AD:I4 VECT_OFF:I2 RTN_ICNT:U2 PGM_ICNT:U2 RTN_INDX:U2*RTN_ICNT RTN_STAT:N1*RTN_ICNT "
        "PGM_INDX:U2*PGM_ICNT PGM_STAT:N1*PGM_ICNT FAIL_PIN:Dn VECT_NAM:Cn TIME_SET:Cn OP_CODE:Cn TEST_TXT:Cn "
        "ALARM_ID:Cn PROG_TXT:Cn RSLT_TXT:Cn PATG_NUM:U1 SPIN_MAP:Dn",
    ),
    "STR": (
        *(15, 30),
        "CONT_FLG:B1 TEST_NUM:U4 HEAD_NUM:U1 SITE_NUM:U1 PSR_REF:U2 TEST_FLG:B1 LOG_TYP:Cn TEST_TXT:Cn ALARM_ID:Cn "
        "PROG_TXT:Cn RSLT_TXT:Cn",  # and the failing cells
    ),
    "BPS": (20, 10, "SEQ_NAME:Cn"),
    "EPS": (20, 20, ""),
    "GDR": (50, 10, ""),  # see `_generic`
    "DTR": (50, 30, "TEXT_DAT:Cn"),
}

NAMES = {(kind, sub): name for name, (kind, sub, _) in _LAYOUTS.items()}
FIELDS = {
    name: [re.fullmatch(r"(\w+):(\w+)(?:\*(\w+))?", field).groups() for field in layout.split()]  # type: ignore[union-attr]
    for name, (*_, layout) in _LAYOUTS.items()
}
"""The fields of each record: name, type, and for an array the field that counts its items."""
