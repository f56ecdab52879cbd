"""Table 4 of the paper as growth: what each algorithm costs against n, S and k, and which law fits.

The cost is processor time of all parts, less what an idle runtime takes meanwhile: it is the same
on a busy machine. Better than the paper's O() is welcome.
"""
